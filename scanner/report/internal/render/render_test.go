package render_test

import (
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"

	"github.com/example/microscanner-frontend/scanner/internal/reporttest"
	"github.com/example/microscanner-frontend/scanner/report"
	"github.com/example/microscanner-frontend/scanner/report/internal/render"
)

func TestText(t *testing.T) {
	assert.Equal(t, `a\x1b\n\u202e`, render.Line("a\x1b\n\u202e"))
	assert.Equal(t, "a\nb\n\\x1bc", render.Text("a\r\nb\n\x1bc", 100))
	assert.Equal(t, `a\rb`+"\nc", render.Text("a\rb\nc", 100))
	long := render.Line(strings.Repeat("é", 1000))
	assert.LessOrEqual(t, len(long), render.MaxLine)
	assert.True(t, strings.HasSuffix(long, "é…"))
	exact := strings.Repeat("x", render.MaxLine)
	assert.Equal(t, exact, render.Line(exact))
	assert.Equal(t, "…", render.Cut("abcdef", 3))
}

func TestMarkdown(t *testing.T) {
	for in, want := range map[string]string{
		"CVE-2024-0001 is plain: 1.2.3": "CVE-2024-0001 is plain: 1.2.3",
		"<b>&":                          "&lt;b&gt;&amp;",
		"[x](y) **b** `c` # | ~~":       `\[x\]\(y\) \*\*b\*\* ` + "\\`c\\`" + ` \# \| \~\~`,
		"- item":                        `\- item`,
		"@team https://x www.x":         "@&#8203;team https:&#8203;//x www.&#8203;x",
		"a\nb":                          `a\\nb`,
		"":                              "",
	} {
		assert.Equal(t, want, render.Markdown(in))
	}
}

func TestLink(t *testing.T) {
	for in, want := range map[string]string{
		"https://a.example/x?y=1": "https://a.example/x?y=1", "http://a.example": "http://a.example",
		"javascript:alert(1)": "", "https://user:pw@a.example/": "", "https://": "", "//a.example": "", "https://a b": "",
		"https:///x": "", "https://a.example//x/../CVE-2024-1": "https://a.example//x/../CVE-2024-1", "http://": "",
		"https://a.example/\x1b": "", "https://a.example/<x>": "https://a.example/%3Cx%3E", "https://a.example/" + strings.Repeat("x", 2000): "",
	} {
		assert.Equal(t, want, render.Link(in), in)
	}
}

func TestInstruction(t *testing.T) {
	assert.Equal(t, "RUN apt-get update && apt-get install -y curl",
		render.Instruction(&report.IntroducedBy{Instruction: "RUN apt-get update && \\\n\tapt-get install -y curl"}))
	assert.Equal(t, `RUN <<E\nx\nE`, render.Instruction(&report.IntroducedBy{Instruction: "RUN <<E\nx\nE"}))
}

func TestImagePURL(t *testing.T) {
	for reference, want := range map[string]string{
		"debian":                        "pkg:oci/debian?repository_url=docker.io%2Flibrary%2Fdebian",
		"registry.example.com/a/b:1":    "pkg:oci/b?repository_url=registry.example.com%2Fa%2Fb&tag=1",
		"":                              "",
		"no image":                      "",
		"localhost:5000/b@sha256:wrong": "",
	} {
		assert.Equal(t, want, render.ImagePURL(&report.Report{Image: report.Image{Reference: reference}}), reference)
	}
}

func TestLicenses(t *testing.T) {
	var l render.Licenses
	for text, want := range map[string]bool{
		"MIT": true, "GPL-2.0-or-later AND (MIT OR Apache-2.0)": true, "GPL-2.0-only WITH Classpath-exception-2.0": true,
		"LicenseRef-Callaway-BSD": false, "MIT AND LicenseRef-Fedora-Public-Domain": false, "DocumentRef-x:LicenseRef-y": false,
		"": false, "GPL and friends": false, "(MIT": false, strings.Repeat("(", 1<<20): false, strings.Repeat("(", 400): false,
	} {
		assert.Equal(t, want, l.IsExpression(text), text)
		assert.Equal(t, want, l.IsExpression(text), "the second time")
	}
}

// FuzzText: whatever the text, what comes out can be printed and is no longer
// than it may be.
func FuzzText(f *testing.F) {
	f.Add(reporttest.Evil)
	f.Add("é\xff\r\n")
	f.Fuzz(func(t *testing.T, s string) {
		for _, got := range []string{render.Line(s), render.Text(s, 50), render.Instruction(&report.IntroducedBy{Instruction: s})} {
			assert.LessOrEqual(t, len(got), render.MaxLine)
			reporttest.Harmless(t, []byte(got))
		}
		assert.NotContains(t, render.Line(s), "\n")
		assert.LessOrEqual(t, len(render.Text(s, 50)), 50)
		markdown := render.Markdown(s)
		assert.NotContains(t, markdown, "<")
		assert.True(t, utf8.ValidString(markdown))
		path := render.RelativePath(s)
		assert.False(t, strings.HasPrefix(path, "/") || strings.HasPrefix(path, "../"), path)
		if link := render.Link(s); link != "" {
			u, err := url.Parse(s)
			assert.NoError(t, err)
			assert.Equal(t, u.String(), link)
		}
	})
}

// FuzzLicense: no licence, which a package states of itself, ends the program.
func FuzzLicense(f *testing.F) {
	f.Add("(MIT OR (Apache-2.0 WITH LLVM-exception")
	f.Add("GPL-2.0+ AND ((")
	f.Fuzz(func(t *testing.T, s string) {
		var l render.Licenses
		if l.IsExpression(s) {
			assert.Regexp(t, `^[A-Za-z0-9.+:() \t-]+$`, s)
		}
	})
}
