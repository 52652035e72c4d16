package feed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"time"
)

const maxRedirects = 5

// newClient gives a client that no server can keep waiting without end. The
// time for a whole document is bounded by the context of the request.
func newClient(transport http.RoundTripper) *http.Client {
	if transport == nil {
		transport = &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           (&net.Dialer{Timeout: 15 * time.Second}).DialContext,
			TLSHandshakeTimeout:   15 * time.Second,
			ResponseHeaderTimeout: 60 * time.Second,
			IdleConnTimeout:       30 * time.Second,
			ForceAttemptHTTP2:     true,
		}
	}
	return &http.Client{
		Transport: transport,
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			if len(via) >= maxRedirects {
				return fmt.Errorf("more than %d redirects", maxRedirects)
			}
			if via[0].URL.Scheme == "https" && req.URL.Scheme != "https" {
				return errors.New("redirected from https to an address without it")
			}
			return nil
		},
	}
}

// get requests the document name below base, or base itself without a name.
func get(ctx context.Context, client *http.Client, base *url.URL, name string) (io.ReadCloser, http.Header, error) {
	u := base
	if name != "" {
		u = base.JoinPath(name)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, nil, err
	}
	req.Header.Set("User-Agent", "microscanner-frontend")
	// Said here, and undone by the magic number like every other compression,
	// so that the limit on fetched bytes counts what came over the network.
	req.Header.Set("Accept-Encoding", "gzip")
	resp, err := client.Do(req)
	if err != nil {
		return nil, nil, err
	}
	if resp.StatusCode == http.StatusOK {
		return resp.Body, resp.Header, nil
	}
	err = fmt.Errorf("the server answered %s", resp.Status)
	if resp.StatusCode == http.StatusNotFound {
		err = fmt.Errorf("the server answered %s: %w", resp.Status, fs.ErrNotExist)
	}
	return nil, nil, errors.Join(err, resp.Body.Close())
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
