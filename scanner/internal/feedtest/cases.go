package feedtest

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strconv"
	"time"
)

// badCase is a way of a server to go wrong.
type badCase struct {
	name   string
	answer answer
	says   string // a part of what has to be said
	cut    bool   // the document ends early, and nothing but itself could tell
	// timeout of a document; zero for the usual one.
	timeout time.Duration
}

func cases() []badCase {
	return []badCase{
		{"truncated", truncated, "unexpected EOF", false, 0},
		{"cut off", cutOff, "", true, 0},
		{"empty", empty, "", false, 0},
		{"wrong type", page, "", false, 0},
		{"500", failing, "the server answered 500 Internal Server Error (tried 4 times)", false, 0},
		{"403", forbidden, "the server answered 403 Forbidden", false, 0},
		{"304 unasked", unasked, "the server answered 304 Not Modified", false, 0},
		{"slow drip", drip, "deadline exceeded", false, dripTimeout},
		{"endless", endless, "more than 1048576 bytes fetched", false, 0},
		{"too long", tooLong, "more than 1048576 bytes fetched", false, 0},
		{"bomb", bomb, "", false, 0},
		{"redirect loop", loop, "more than 5 redirects", false, 0},
	}
}

// truncated ends before the length that it announced.
func truncated(w http.ResponseWriter, _ *http.Request, body []byte) {
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	write(w, body[:len(body)/2])
}

// cutOff sends half a document as if it were one.
func cutOff(w http.ResponseWriter, r *http.Request, body []byte) { whole(w, r, body[:len(body)/2]) }

func empty(http.ResponseWriter, *http.Request, []byte) {}

// page is what a portal or a proxy answers for everything.
func page(w http.ResponseWriter, _ *http.Request, _ []byte) {
	w.Header().Set("Content-Type", "text/html")
	write(w, []byte("<!DOCTYPE html>\n<html><head><title>Please log in</title></head>\n<body><p>Please log in.</p></body></html>\n"))
}

func failing(w http.ResponseWriter, _ *http.Request, _ []byte) {
	w.WriteHeader(http.StatusInternalServerError)
}

func forbidden(w http.ResponseWriter, _ *http.Request, _ []byte) { w.WriteHeader(http.StatusForbidden) }

func unasked(w http.ResponseWriter, _ *http.Request, _ []byte) { w.WriteHeader(http.StatusNotModified) }

// drip sends a byte now and then, so that no read takes long.
func drip(w http.ResponseWriter, r *http.Request, body []byte) {
	for i := range body {
		write(w, body[i:i+1])
		select {
		case <-r.Context().Done():
			return
		case <-time.After(dripTimeout / 4):
		}
	}
	<-r.Context().Done()
}

// endless sends the document, and space behind it that no parser would mind.
func endless(w http.ResponseWriter, _ *http.Request, body []byte) {
	write(w, body)
	for space := bytes.Repeat([]byte("\n"), 64<<10); write(w, space); {
	}
}

// tooLong announces more than there may be.
func tooLong(w http.ResponseWriter, _ *http.Request, body []byte) {
	w.Header().Set("Content-Length", strconv.Itoa(maxBytes+1))
	write(w, body)
}

// bomb unpacks to more than there may be.
func bomb(w http.ResponseWriter, _ *http.Request, body []byte) {
	z := gzip.NewWriter(w)
	if _, err := z.Write(body); err != nil {
		return
	}
	for space, i := bytes.Repeat([]byte("\n"), 64<<10), 0; i < maxUnpacked>>16+1; i++ {
		if _, err := z.Write(space); err != nil {
			return
		}
	}
	_ = z.Close()
}

func loop(w http.ResponseWriter, r *http.Request, _ []byte) {
	http.Redirect(w, r, r.URL.Path, http.StatusFound) //nolint:gosec // G710: a test of just that.
}

// write sends some bytes now, and reports whether anybody takes them.
func write(w http.ResponseWriter, b []byte) bool {
	if _, err := w.Write(b); err != nil {
		return false
	}
	return http.NewResponseController(w).Flush() == nil
}
