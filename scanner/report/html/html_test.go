package html_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"flag"
	"io"
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	dom "golang.org/x/net/html"

	"github.com/example/microscanner-frontend/scanner/internal/reporttest"
	"github.com/example/microscanner-frontend/scanner/report"
	"github.com/example/microscanner-frontend/scanner/report/html"
	"github.com/example/microscanner-frontend/scanner/severity"
)

var update = flag.Bool("update", false, "write the golden files")

func write(t testing.TB, r *report.Report) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, html.Write(&b, r))
	return b.Bytes()
}

// pages are pages of all kinds, by name.
func pages(t testing.TB) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	for name, reports := range reporttest.Samples() {
		if len(reports) == 1 { // a page is about one report
			out[name] = write(t, reports[0])
		}
	}
	for name, r := range reporttest.Hostiles() {
		out["hostile "+name] = write(t, r)
	}
	return out
}

func TestWrite(t *testing.T) {
	for name, page := range pages(t) {
		if !strings.HasPrefix(name, "hostile") {
			reporttest.Golden(t, *update, name+".html", page)
		}
	}
}

// TestMicroScanner: programs that drive MicroScanner cut the page out of its
// output, and look for its heading.
func TestMicroScanner(t *testing.T) {
	for name, page := range pages(t) {
		text := string(page)
		assert.True(t, strings.HasPrefix(text, "<!DOCTYPE html>\n"), name)
		assert.True(t, strings.HasSuffix(text, "</html>\n"), name)
		for _, once := range []string{"<!DOCTYPE html>", "</html>", "<h1>Scan Report: </h1>"} {
			assert.Equal(t, 1, strings.Count(text, once), "%s: %s", name, once)
		}
	}
}

// elements are the elements that a page can have, with their attributes beside
// class, id and aria-label. None loads or runs anything.
func elements() map[string][]string {
	return map[string][]string{
		"html": {"lang"}, "head": nil, "meta": {"charset", "http-equiv", "name", "content"}, "title": nil, "style": nil, "body": nil,
		"header": nil, "main": nil, "footer": nil, "section": {"aria-labelledby"}, "div": nil, "h1": nil, "h2": nil, "h3": nil, "p": nil,
		"span": nil, "b": nil, "small": nil, "code": nil, "pre": {"tabindex", "role"}, "a": {"href", "rel"},
		"ul": nil, "li": nil, "dl": nil, "dt": nil, "dd": nil, "details": {"open"}, "summary": nil,
		"table": nil, "thead": nil, "tbody": nil, "tr": nil, "th": {"scope"}, "td": {"data-label"},
		"svg": {"width", "height", "aria-hidden"}, "rect": {"x", "width", "height"},
	}
}

// TestElements: whatever the texts, a page has no elements and attributes but
// those of its templates, all of them are closed, and links lead to the web.
func TestElements(t *testing.T) {
	allowed := elements()
	for name, page := range pages(t) {
		t.Run(name, func(t *testing.T) {
			var open []string
			z := dom.NewTokenizer(bytes.NewReader(page))
			for kind := z.Next(); kind != dom.ErrorToken; kind = z.Next() {
				token := z.Token()
				switch kind {
				case dom.StartTagToken, dom.SelfClosingTagToken:
					require.Contains(t, allowed, token.Data)
					checkAttributes(t, token, allowed[token.Data])
					if kind == dom.StartTagToken && token.Data != "meta" {
						open = append(open, token.Data)
					}
				case dom.EndTagToken:
					require.NotEmpty(t, open)
					require.Equal(t, open[len(open)-1], token.Data)
					open = open[:len(open)-1]
				case dom.CommentToken:
					t.Fatalf("a comment: %s", token.Data)
				}
			}
			require.ErrorIs(t, z.Err(), io.EOF)
			assert.Empty(t, open)
		})
	}
}

func checkAttributes(t *testing.T, token dom.Token, allowed []string) {
	t.Helper()
	for _, a := range token.Attr {
		require.Contains(t, append(allowed, "class", "id", "aria-label"), a.Key, "of %s", token.Data)
		switch a.Key {
		case "href":
			require.Regexp(t, `^https?://`, a.Val)
			require.Contains(t, token.Attr, dom.Attribute{Key: "rel", Val: "noopener noreferrer"})
		case "class":
			require.Regexp(t, `^[a-z -]+$`, a.Val)
		}
	}
}

// TestHostileTextsAreText: a report with hostile texts gives the same elements
// as one with harmless texts, and its texts are there to be read.
func TestHostileTextsAreText(t *testing.T) {
	want, _ := skeleton(t, write(t, reporttest.Hostile("x", true)))
	got, text := skeleton(t, write(t, reporttest.Hostile(reporttest.Evil, true)))
	assert.Equal(t, want, got)
	assert.Contains(t, text, "<script>alert(1)</script><img src=x onerror=alert(1)>&amp;")
	assert.Contains(t, text, `\u202e`)
}

// skeleton is the elements of a page as a browser sees them, and its text.
func skeleton(t *testing.T, page []byte) (elements []string, text string) {
	t.Helper()
	root, err := dom.Parse(bytes.NewReader(page))
	require.NoError(t, err)
	var b strings.Builder
	for n := range root.Descendants() {
		switch n.Type {
		case dom.ElementNode:
			element := n.Data
			for _, a := range n.Attr {
				element += " " + a.Key
			}
			elements = append(elements, element)
		case dom.TextNode:
			b.WriteString(n.Data)
		}
	}
	return elements, b.String()
}

// TestContentSecurity: the policy allows the page's own style sheet and nothing
// else. That browsers see it so is tested in one.
func TestContentSecurity(t *testing.T) {
	page := string(write(t, reporttest.Sample()))
	style := between(t, page, "<style>", "</style>")
	sum := sha256.Sum256([]byte(style))
	policy := dom.UnescapeString(between(t, page, `Content-Security-Policy" content="`, `"`))
	assert.Equal(t, "default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'", policy)
	assert.NotRegexp(t, `url\(|@import|expression`, style)
}

func between(t *testing.T, s, start, end string) string {
	t.Helper()
	_, s, ok := strings.Cut(s, start)
	require.True(t, ok)
	s, _, ok = strings.Cut(s, end)
	require.True(t, ok)
	return s
}

// TestContrast: texts can be read, light and dark
// (https://www.w3.org/TR/WCAG22/#contrast-minimum).
func TestContrast(t *testing.T) {
	style, err := os.ReadFile("page/style.css")
	require.NoError(t, err)
	schemes := regexp.MustCompile(`(?s):root \{.*?\}`).FindAllString(string(style), -1)
	require.GreaterOrEqual(t, len(schemes), 2)
	for _, scheme := range schemes[:2] {
		color := map[string]float64{}
		for _, m := range regexp.MustCompile(`--([a-z]+): #([0-9a-f]{6});`).FindAllStringSubmatch(scheme, -1) {
			color[m[1]] = luminance(t, m[2])
		}
		for _, ground := range []string{"page", "card", "inset"} {
			for _, text := range []string{"text", "quiet", "link", "passed", "failed", "error"} {
				assert.GreaterOrEqual(t, contrast(color[text], color[ground]), 4.5, "%s on %s", text, ground)
			}
		}
		for _, s := range severity.All() {
			assert.GreaterOrEqual(t, contrast(color["on"], color[s.String()]), 4.5, "%s", s)
			assert.GreaterOrEqual(t, contrast(color["card"], color[s.String()]), 3.0, "%s", s)
		}
	}
}

func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(hex[2*i:2*i+2], 16, 8)
		require.NoError(t, err)
		c := float64(n) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}

func contrast(a, b float64) float64 { return (max(a, b) + 0.05) / (min(a, b) + 0.05) }

// TestGroups: what is worst comes first, below its instruction.
func TestGroups(t *testing.T) {
	_, text := skeleton(t, write(t, reporttest.Sample()))
	_, text, ok := strings.Cut(text, "Findings 4")
	require.True(t, ok)
	at := -1
	for _, next := range []string{
		"Dockerfile:2 FROM debian:12 base image", "zlib 1:1.2", "CVE-2023-0009", "Dockerfile:4 RUN apt-get update && apt-get install -y curl",
		"openssl 3.0.1", "CVE-2024-0001", "CVE-2024-0002", "not known what brought them", "tar 1.34", "Kernel headers", "Under investigation",
		"Suppressed", "By VEX, vex/zlib.json of Example Security Team, without an end: not affected, vulnerable code not present: minizip is not built",
		"Ignored, .microscanner.yaml line 3, until 2026-06-01: no untrusted archives", "Not assessed", "Policy in force",
	} {
		n := strings.Index(text, next)
		require.Greater(t, n, at, next)
		at = n
	}
}

// TestLargeReportIsClosed: a browser need not lay out thousands of rows.
func TestLargeReportIsClosed(t *testing.T) {
	page := string(write(t, reporttest.Many(5000)))
	assert.Equal(t, 500, strings.Count(page, `<details class="package"`))
	assert.Equal(t, 6, strings.Count(page, `<details class="package" open>`))
	assert.Equal(t, 5000, strings.Count(page, `<th scope="row"><a href="https://security-tracker.debian.org/tracker/CVE-`))
}

func TestVerdicts(t *testing.T) {
	for name, want := range map[string]string{
		"sample": `<section class="verdict failed"`, "clean": `<section class="verdict passed"`, "broken": `<section class="verdict error"`,
	} {
		assert.Contains(t, string(pages(t)[name]), want)
	}
	assert.Contains(t, string(pages(t)["clean"]), "<p class=\"empty\">No findings.</p>")
	assert.Contains(t, string(pages(t)["broken"]), "the scan is incomplete")
}

// TestSettings: all are listed, those of the gate first; what somebody set
// stands out.
func TestSettings(t *testing.T) {
	r := reporttest.Sample()
	v := r.Policy["fail-on"]
	v.From = "the directive in Dockerfile:1"
	r.Policy["fail-on"] = v
	r.Policy["attest"] = v
	page := string(write(t, r))
	rows := regexp.MustCompile(`<tr( class="set")?><th scope="row"><code>([a-z-]+)`).FindAllStringSubmatch(page, -1)
	require.Len(t, rows, len(r.Policy))
	assert.Equal(t, []string{` class="set"`, "fail-on"}, rows[0][1:])
	assert.Equal(t, []string{"", "fail-on-new"}, rows[1][1:])
	assert.True(t, slices.Equal([]string{` class="set"`, "attest"}, rows[len(rows)-1][1:]))
	assert.Contains(t, page, "the directive in Dockerfile:1")
}

// BenchmarkWrite writes 5,000 findings.
func BenchmarkWrite(b *testing.B) {
	r := reporttest.Many(5000)
	var out bytes.Buffer
	for b.Loop() {
		out.Reset()
		require.NoError(b, html.Write(&out, r))
	}
	b.ReportMetric(float64(out.Len()), "page-bytes")
}
