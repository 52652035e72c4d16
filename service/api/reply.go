package api

import (
	"io"
	"maps"
	"net/http"
	"strconv"

	"github.com/klauspost/compress/gzhttp"
	"github.com/klauspost/compress/gzip"
)

// compressing gives the middleware that compresses for clients that accept it. A
// report holds no secret, so its length may tell what is in it.
func compressing() func(http.Handler) http.HandlerFunc {
	wrap, err := gzhttp.NewWrapper(gzhttp.CompressionLevel(gzip.BestSpeed), gzhttp.EnableZstd(false))
	if err != nil { // for options that contradict each other
		return func(h http.Handler) http.HandlerFunc { return h.ServeHTTP }
	}
	return wrap
}

// reply is an answer as it will be sent. It is complete before the first byte
// goes out: who reads slowly keeps only these bytes, and neither a slot nor
// what compresses.
type reply struct {
	buffer
	header http.Header
	err    error // of the first Write that failed
}

func (r *reply) Header() http.Header { return r.header }

// WriteHeader is not used: the status is known when the reply is sent.
func (*reply) WriteHeader(int) {}

// Write appends to the buffer.
func (r *reply) Write(p []byte) (int, error) {
	n, err := r.buffer.Write(p)
	if r.err == nil {
		r.err = err
	}
	return n, err
}

// encode makes the reply of what write writes, compressed if the request accepts
// that.
func (a *API) encode(req *http.Request, write func(io.Writer) error) (*reply, error) {
	out := &reply{buffer: buffer{from: a.memory}, header: http.Header{"Content-Type": {"application/json"}}}
	var err error
	a.compress(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { err = write(w) })).ServeHTTP(out, req)
	if err == nil {
		err = out.err // of what was flushed at the end
	}
	if err != nil {
		out.free()
		return nil, err
	}
	return out, nil
}

// send sends the reply and frees it.
func (r *reply) send(w http.ResponseWriter) {
	defer r.free()
	maps.Copy(w.Header(), r.header)
	w.Header().Set("Content-Length", strconv.Itoa(len(r.text)))
	_, _ = w.Write(r.text) //nolint:gosec // G705: it is JSON, and no browser takes it for anything else. A client that is gone.
}
