package feed

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/cenkalti/backoff/v5"
)

const (
	maxRedirects = 5
	// maxTries is how often a document is requested before it is given up.
	maxTries = 4
	// maxRetryAfter is the longest that a server may ask us to wait.
	maxRetryAfter = 2 * time.Minute
	// stalled is how long a server may send nothing.
	stalled = time.Minute
	// maxHeaders is how many bytes the headers of an answer may have. Those that
	// the cache and the database keep are among them.
	maxHeaders = 64 << 10
	// growth is by how much each pause between two requests is longer.
	growth = 2
)

// newClient gives a client that no server can keep waiting without end. The
// time for a whole document is bounded by the context of the request.
func newClient(transport http.RoundTripper) *http.Client {
	if transport == nil {
		transport = &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           (&net.Dialer{Timeout: 15 * time.Second}).DialContext,
			TLSHandshakeTimeout:   15 * time.Second,
			ResponseHeaderTimeout: stalled,
			IdleConnTimeout:       30 * time.Second,
			ForceAttemptHTTP2:     true,

			MaxResponseHeaderBytes: maxHeaders,
		}
	}
	return &http.Client{
		Transport: transport,
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			if len(via) >= maxRedirects {
				return backoff.Permanent(fmt.Errorf("more than %d redirects", maxRedirects))
			}
			if via[0].URL.Scheme == "https" && req.URL.Scheme != "https" {
				return backoff.Permanent(errors.New("redirected from https to an address without it"))
			}
			// It would tell another server the query, which may hold a secret.
			req.Header.Del("Referer")
			return nil
		},
	}
}

// download is the fetching of one document to a file.
type download struct {
	source *Source
	url    string
	have   cached // what the cache has; empty if nothing
	most   int64  // bytes
	dir    string // where the file is made
}

// run requests the document until it is there, or asking again is of no use.
// The answer is have if the server says that it has not changed.
func (d *download) run(ctx context.Context) (got cached, err error) {
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval, pauses.Multiplier = d.source.options.Pause, growth
	ctx, cancel := context.WithTimeout(ctx, d.source.options.Timeout)
	defer cancel()
	tries := 0
	var last error
	got, err = backoff.Retry(ctx, func() (cached, error) {
		tries++
		var doc cached
		doc, last = d.attempt(ctx)
		return doc, last
	}, backoff.WithBackOff(pauses), backoff.WithMaxTries(maxTries), backoff.WithMaxElapsedTime(0))
	if err == nil {
		return got, nil
	}
	if !errors.Is(last, err) {
		err = fmt.Errorf("%w; the last attempt: %w", err, last)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("it did not come within %s: %w", d.source.options.Timeout, err)
	}
	if tries > 1 {
		err = fmt.Errorf("%w (tried %d times)", err, tries)
	}
	return cached{}, err
}

// waitError is an answer that says when to ask again.
type waitError struct {
	error
	after time.Duration
}

// As makes it the error that package backoff knows.
func (w *waitError) As(target any) bool {
	if t, ok := target.(**backoff.RetryAfterError); ok {
		*t = &backoff.RetryAfterError{Duration: w.after}
		return true
	}
	return false
}

// Unwrap gives what the server answered.
func (w *waitError) Unwrap() error { return w.error }

// attempt requests the document once.
func (d *download) attempt(ctx context.Context) (got cached, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := time.AfterFunc(stalled, func() { cancel(fmt.Errorf("the server sent nothing for %s", stalled)) })
	defer watch.Stop()
	defer func() {
		if cause := context.Cause(ctx); err != nil && cause != nil {
			err = cause
		}
	}()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.url, nil)
	if err != nil {
		return cached{}, backoff.Permanent(err)
	}
	req.Header.Set("User-Agent", "microscanner-frontend")
	// Said here, and undone by the magic number like every other compression,
	// so that the limit on fetched bytes counts what came over the network.
	req.Header.Set("Accept-Encoding", "gzip")
	if d.have.ETag != "" {
		req.Header.Set("If-None-Match", d.have.ETag)
	}
	if d.have.Modified != "" {
		req.Header.Set("If-Modified-Since", d.have.Modified)
	}
	resp, err := d.source.client.Do(req)
	if err != nil {
		return cached{}, classify(err)
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	switch {
	case resp.StatusCode == http.StatusNotModified && d.have.SHA256 != "":
		return d.have, nil
	case resp.StatusCode != http.StatusOK:
		return cached{}, answered(resp)
	case resp.ContentLength > d.most:
		return cached{}, backoff.Permanent(fmt.Errorf("more than %d bytes fetched: it has %d", d.most, resp.ContentLength))
	}
	return d.save(resp, watch)
}

// save copies what the server sends to a file named by its digest.
func (d *download) save(resp *http.Response, watch *time.Timer) (doc cached, err error) {
	f, err := os.CreateTemp(d.dir, "part-*")
	if err != nil {
		return cached{}, backoff.Permanent(err)
	}
	defer func() {
		if e := os.Remove(f.Name()); !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}()
	defer func() { err = errors.Join(err, f.Close()) }()
	h := sha256.New()
	body := &progressReader{limit(resp.Body, d.most, "fetched"), func(n int) {
		watch.Reset(stalled)
		d.source.traffic.Bytes += int64(n)
		if d.source.options.Progress != nil {
			d.source.options.Progress(n)
		}
	}}
	size, err := io.Copy(io.MultiWriter(f, h), body)
	if err != nil {
		return cached{}, classify(err)
	}
	doc = cached{
		ETag: resp.Header.Get("ETag"), Modified: resp.Header.Get("Last-Modified"),
		SHA256: hex.EncodeToString(h.Sum(nil)), Size: size,
	}
	if err := os.Rename(f.Name(), filepath.Join(d.dir, doc.SHA256)); err != nil {
		return cached{}, backoff.Permanent(err)
	}
	return doc, nil
}

// answered is the error for an answer without the document. Those that may be
// better another time are not permanent.
func answered(resp *http.Response) error {
	err := fmt.Errorf("the server answered %s", resp.Status)
	switch code := resp.StatusCode; {
	case code == http.StatusRequestTimeout, code == http.StatusTooManyRequests, code >= http.StatusInternalServerError:
		if after, ok := retryAfter(resp.Header.Get("Retry-After")); ok {
			return &waitError{err, after}
		}
		return err
	case code == http.StatusNotFound, code == http.StatusGone:
		err = fmt.Errorf("%w: %w", err, fs.ErrNotExist)
	}
	return backoff.Permanent(err)
}

// retryAfter reads the header of that name: seconds, or a date
// (RFC 9110, section 10.2.3).
func retryAfter(value string) (time.Duration, bool) {
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return min(time.Duration(seconds)*time.Second, maxRetryAfter), true
	}
	at, err := http.ParseTime(value)
	return max(0, min(time.Until(at), maxRetryAfter)), err == nil
}

// classify marks the errors that come again however often one asks. It leaves
// out the address, which may hold what nobody should see.
func classify(err error) error {
	if address, ok := errors.AsType[*url.Error](err); ok {
		err = address.Err
	}
	if errors.Is(err, io.EOF) { // Of a connection, not of a document.
		err = io.ErrUnexpectedEOF
	}
	var lookup *net.DNSError
	var certificate *tls.CertificateVerificationError
	var size *sizeError
	var path *fs.PathError
	if errors.As(err, &lookup) && lookup.IsNotFound || errors.As(err, &certificate) || errors.As(err, &size) || errors.As(err, &path) {
		return backoff.Permanent(err)
	}
	return err
}

// progressReader tells of each piece that is read.
type progressReader struct {
	r    io.Reader
	read func(n int)
}

func (p *progressReader) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	p.read(n)
	return n, err
}

// Redact gives a location to show to people: of an address what is no secret,
// and a path as it is.
func Redact(location string) string {
	if IsAddress(location) {
		return redact(location)
	}
	return location
}

// redact hides what an address may hold besides its place.
func redact(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "the address"
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}
