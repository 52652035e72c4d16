package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/example/microscanner-frontend/scanner/report"
)

// The defaults of Options.
const (
	defaultTimeout = time.Minute
	defaultMaxWait = time.Minute
	defaultPause   = time.Second
)

const (
	// maxHeaders is how many bytes the headers of an answer may have.
	maxHeaders = 64 << 10
	// maxAnswer is how many bytes an answer may have that is no report.
	maxAnswer = 1 << 20
)

// Options say which service to ask, and how.
type Options struct {
	// Server is the address of the service, "https://scan.example.com"; a path
	// in it stands before those of the API.
	Server string
	Token  Token
	// CAFile is a file of PEM certificates that are trusted besides the system's;
	// may be empty.
	CAFile string
	// MoreCAFiles are more such files, which need not be there.
	MoreCAFiles []string
	// CAHelp says what to do where the authority of a certificate is not known;
	// if empty, the flags of the command line are named.
	CAHelp string
	// NoVerify takes every certificate.
	NoVerify bool
	// InsecureHTTP lets a token go to another machine without TLS.
	InsecureHTTP bool
	// Agent is this program's name and version.
	Agent string
	// Notice is called with a sentence for people whenever they have to wait; it
	// may be nil.
	Notice func(text string)
	Now    func() time.Time
	// Timeout bounds one request with its answer; a minute if zero.
	Timeout time.Duration
	// MaxWait bounds how long a busy service is waited for in total; a minute if
	// zero.
	MaxWait time.Duration
	// Pause is that between the first two tries; a second if zero.
	Pause time.Duration
}

// Client asks one service.
type Client struct {
	options Options
	server  *url.URL
	http    *http.Client
}

// New makes the client of a service. It reads the CA file, and talks to nobody.
func New(o Options) (*Client, error) {
	server, err := parseServer(o.Server, o.InsecureHTTP)
	if err != nil {
		return nil, err
	}
	setDefault(&o.Timeout, defaultTimeout)
	setDefault(&o.MaxWait, defaultMaxWait)
	setDefault(&o.Pause, defaultPause)
	if o.Notice == nil {
		o.Notice = func(string) {}
	}
	c := &Client{options: o, server: server}
	transport := &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 15 * time.Second}).DialContext,
		TLSHandshakeTimeout:    15 * time.Second,
		ForceAttemptHTTP2:      true,
		MaxResponseHeaderBytes: maxHeaders,
	}
	if server.Scheme == "https" {
		if transport.TLSClientConfig, err = trust(o.NoVerify, o.CAFile, o.MoreCAFiles...); err != nil {
			return nil, err
		}
	}
	c.http = &http.Client{
		Transport: transport,
		// The token is for the server that was named, and for no other.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c, nil
}

func setDefault(d *time.Duration, value time.Duration) {
	if *d == 0 {
		*d = value
	}
}

// parseServer reads the address of a service. The errors do not repeat one that
// may hold a password.
func parseServer(address string, insecureHTTP bool) (*url.URL, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("the address of the service is not one such as https://scan.example.com")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("the address of the service must have no user, password, query or fragment; the token is given apart from it")
	case u.Scheme == "http" && !insecureHTTP && !isLoopback(u.Hostname()):
		return nil, fmt.Errorf("the service %s is on another machine and has no TLS, so everybody on the way could read the token: use https, or allow it with --insecure-http", u)
	}
	return u, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Server is the address of the service, for texts.
func (c *Client) Server() string { return strings.TrimSuffix(c.server.String(), "/") }

// call is one request, which may be tried more than once, and its answer.
type call struct {
	method, path string
	body         []byte // JSON; nil for none
	// once is for what must not be done twice.
	once bool
	// read reads the body of a success. What came over the network whole and is
	// wrong all the same is its error.
	read func(body io.Reader, header http.Header) error
}

// attempt does a call once. The error is a *tryError if another time may bring
// more.
func (c *Client) attempt(ctx context.Context, call call) (err error) {
	errTime := fmt.Errorf("%s did not answer within %s", c.Server(), c.options.Timeout)
	ctx, cancel := context.WithTimeoutCause(ctx, c.options.Timeout, errTime)
	defer cancel()
	defer func() {
		if cause := context.Cause(ctx); err != nil && cause != nil {
			err = cause
		}
	}()
	req, err := c.request(ctx, call)
	if err != nil {
		return err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return c.unreachable(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return c.refused(resp)
	}
	body := &network{r: resp.Body}
	if err := call.read(body, resp.Header); err != nil {
		if body.err != nil {
			return c.unreachable(body.err)
		}
		return fmt.Errorf("%s does not answer as a microscanner service does: %w", c.Server(), err)
	}
	return nil
}

func (c *Client) request(ctx context.Context, call call) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, call.method, c.server.JoinPath(call.path).String(), bytes.NewReader(call.body))
	if err != nil {
		return nil, fmt.Errorf("request %s: %w", call.path, err)
	}
	req.Header.Set("User-Agent", c.options.Agent)
	req.Header.Set("Accept", "application/json")
	if call.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if t := c.options.Token; !t.IsZero() {
		req.Header.Set("Authorization", "Bearer "+*t.secret)
	}
	return req, nil
}

// network tells errors of the connection from those of a document.
type network struct {
	r   io.Reader
	err error
}

func (n *network) Read(b []byte) (int, error) {
	read, err := n.r.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		n.err = err
	}
	return read, err
}

// decode gives a reader of JSON answers that are no report.
func decode(into any) func(io.Reader, http.Header) error {
	return func(body io.Reader, _ http.Header) error {
		dt, err := io.ReadAll(io.LimitReader(body, maxAnswer+1))
		if err != nil {
			return err
		}
		if len(dt) > maxAnswer {
			return fmt.Errorf("the answer has more than %d bytes", maxAnswer)
		}
		return json.Unmarshal(dt, into)
	}
}

// text is what a server said, for people: bounded, on one line, and without the
// token.
func (c *Client) text(s string) string {
	const most = 300
	s = c.options.Token.hide(s)
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return report.Printable(s)
}
