package html_test

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/internal/reporttest"
)

var screenshots = flag.String("screenshots", "", "a directory to leave pictures of the pages in")

// browser starts a headless Chromium that ends with the test.
func browser(t *testing.T) context.Context {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium-headless-shell", "chromium", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		t.Skip("there is no Chromium: install Debian's package chromium-headless-shell, as hack/deps does")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium's does not start as root
	}
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	require.NoError(t, chromedp.Do(ctx)) // it starts
	return ctx
}

// events collects what a page does that it should not do: requests other than
// its own, messages on the console, violations of its policy, dialogs.
type events struct {
	mu   sync.Mutex
	seen []string
}

func (e *events) listen(ctx context.Context, t *testing.T, address string) {
	t.Helper()
	require.NoError(t, chromedp.Listen(ctx, func(ev any) {
		what := ""
		switch ev := ev.(type) {
		case *network.EventRequestWillBeSent:
			if !strings.HasPrefix(ev.Request.URL, address) {
				what = "request " + ev.Request.URL
			}
		case *runtime.EventConsoleAPICalled:
			what = fmt.Sprintf("console %s", ev.Type)
		case *runtime.EventExceptionThrown:
			what = "exception " + ev.ExceptionDetails.Text
		case *log.EventEntryAdded:
			what = fmt.Sprintf("log %s %s", ev.Entry.Source, ev.Entry.Text)
		case *page.EventJavascriptDialogOpening:
			what = "dialog " + ev.Message
		}
		if what != "" {
			e.mu.Lock()
			defer e.mu.Unlock()
			e.seen = append(e.seen, what)
		}
	}))
	for _, enable := range []cdp.Command[cdp.Empty, cdp.Empty]{log.Enable, runtime.Enable} {
		_, err := chromedp.Call(ctx, enable, cdp.Empty{})
		require.NoError(t, err)
	}
	_, err := chromedp.Call(ctx, network.Enable, network.EnableParams{})
	require.NoError(t, err)
}

func (e *events) all() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.seen
}

// TestBrowser looks at pages as people do: on a phone and on a desk, in light
// and dark, as they come and with everything open. No page is wider than its
// window, and none does anything but to be shown.
func TestBrowser(t *testing.T) {
	ctx := browser(t)
	all := pages(t)
	all["many"] = write(t, reporttest.Many(5000))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(all[r.URL.Query().Get("page")])
	}))
	t.Cleanup(server.Close)
	var happened events
	happened.listen(ctx, t, server.URL+"/?page=")
	for name := range all {
		for _, width := range []int64{360, 1280} {
			for _, scheme := range []string{"light", "dark"} {
				t.Run(fmt.Sprintf("%s %d %s", name, width, scheme), func(t *testing.T) {
					look(ctx, t, server.URL+"/?page="+strings.ReplaceAll(name, " ", "+"), width, scheme)
				})
			}
		}
	}
	assert.Empty(t, happened.all())
}

// look opens a page, checks its width and takes pictures of it.
func look(ctx context.Context, t *testing.T, address string, width int64, scheme string) {
	t.Helper()
	_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	require.NoError(t, err)
	require.NoError(t, chromedp.Do(ctx, chromedp.EmulateViewport(width, 900), chromedp.Navigate(address)))
	checkWidth(ctx, t)
	ground, err := chromedp.Run(ctx, chromedp.Evaluate[string](`getComputedStyle(document.body).backgroundColor`))
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"light": "rgb(244, 245, 247)", "dark": "rgb(18, 21, 26)"}[scheme], ground, "the style is not in force")
	keep(ctx, t, "")
	require.NoError(t, chromedp.Do(ctx, chromedp.Evaluate[chromedp.Void](`for (const d of document.querySelectorAll("details")) d.open = true`)))
	checkWidth(ctx, t)
	keep(ctx, t, " open")
}

func checkWidth(ctx context.Context, t *testing.T) {
	t.Helper()
	over, err := chromedp.Run(ctx, chromedp.Evaluate[int](`document.documentElement.scrollWidth - innerWidth`))
	require.NoError(t, err)
	assert.LessOrEqual(t, over, 0, "pixels that the page is wider than its window")
}

// keep leaves a picture of the whole page, if pictures are wanted.
func keep(ctx context.Context, t *testing.T, suffix string) {
	t.Helper()
	if *screenshots == "" || strings.Contains(t.Name(), "many") || strings.Contains(t.Name(), "hostile") {
		return // hardly any viewer shows a picture of that length
	}
	picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	require.NoError(t, err)
	name := strings.ReplaceAll(strings.TrimPrefix(t.Name(), "TestBrowser/")+suffix, " ", "_") + ".png"
	require.NoError(t, os.WriteFile(filepath.Join(*screenshots, name), picture, 0o600))
}
