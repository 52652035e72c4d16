package remote

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// tryError is the end of a try after which another one may do better.
type tryError struct {
	error
	// busy says that the service asks to come back: that is waited for, not
	// counted. after is how long, 0 if it did not say.
	busy  bool
	after time.Duration
}

// Unwrap gives what happened.
func (e *tryError) Unwrap() error { return e.error }

// unreachable is the error for a request without a whole answer.
func (c *Client) unreachable(err error) error {
	if address, ok := errors.AsType[*url.Error](err); ok {
		err = address.Err
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return certificateError(c.Server(), c.options.CAHelp, err)
	}
	if errors.Is(err, http.ErrSchemeMismatch) {
		return fmt.Errorf("%s has no TLS: if that is as it should be, its address begins with http://", c.Server())
	}
	if errors.Is(err, io.EOF) { // of a connection, not of a document
		err = io.ErrUnexpectedEOF
	}
	said := fmt.Errorf("cannot reach %s: %w", c.Server(), err)
	if lookup, ok := errors.AsType[*net.DNSError](err); ok && lookup.IsNotFound {
		return said
	}
	return &tryError{error: said}
}

// refused is the error for an answer that is not a success.
func (c *Client) refused(resp *http.Response) error {
	said := answered(resp)
	message := ""
	if said.Message != "" {
		message = ": " + c.text(said.Message)
	}
	after := retryAfter(resp.Header.Get("Retry-After"), said.RetryAfter, c.options.Now())
	server := c.Server()
	switch code := resp.StatusCode; {
	case code == http.StatusUnauthorized && c.options.Token.IsZero():
		return fmt.Errorf("%s wants a token%s", server, message)
	case code == http.StatusUnauthorized && said.Code == CodeRevoked:
		return fmt.Errorf("%s refuses the token, as it was revoked; ask for a new one with \"microscanner register EMAIL\"", server)
	case code == http.StatusUnauthorized && said.Code == CodeUnauthorized:
		return fmt.Errorf("%s does not know the token; check that it is whole and of this service", server)
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		return fmt.Errorf("%s refuses the token, %s%s", server, status(code), message)
	case code == http.StatusTooManyRequests && said.Code != "" && after == 0:
		return fmt.Errorf("%s refuses the request%s", server, message) // time does not help
	case code == http.StatusTooManyRequests && said.Code == CodeQuota:
		return &tryError{fmt.Errorf("the scans of this token for today are used up%s; %s", message, c.again(after)), true, after}
	case code == http.StatusTooManyRequests:
		return &tryError{fmt.Errorf("%s is asked too often%s; %s", server, message, c.again(after)), true, after}
	case code >= http.StatusInternalServerError:
		return &tryError{error: fmt.Errorf("%s cannot answer now, %s%s", server, status(code), message), after: after}
	case code == http.StatusRequestEntityTooLarge:
		return fmt.Errorf("the inventory is too large for %s%s", server, message)
	case code == http.StatusNotFound && said.Code == "":
		return fmt.Errorf("%s is no microscanner service: it has no %s", server, c.text(resp.Request.URL.Path))
	case code >= 300 && code < 400:
		return fmt.Errorf("%s sends us on%s, and a token goes nowhere but to the server that was named; name that one if it is the right one", server, c.target(resp))
	}
	return fmt.Errorf("%s refuses the request, %s%s", server, status(resp.StatusCode), message)
}

// answered reads the body of an answer that is not a success. What sends one
// without may be a proxy on the way.
func answered(resp *http.Response) Error {
	var said Error
	dt, err := io.ReadAll(io.LimitReader(resp.Body, maxHeaders))
	if err != nil || json.Unmarshal(dt, &said) != nil {
		return Error{}
	}
	return said
}

// status is a status as HTTP names it; not the words of the server.
func status(code int) string {
	return strconv.Itoa(code) + " " + http.StatusText(code)
}

// target says where a redirect leads, without what may be secret in an address.
func (c *Client) target(resp *http.Response) string {
	u, err := resp.Location()
	if err != nil {
		return ""
	}
	return " to " + c.text(u.Scheme+"://"+u.Host)
}

// retryAfter is the longer of what the header says, in seconds or as a date
// (RFC 9110, section 10.2.3), and what the body says; 0 if neither does.
func retryAfter(header string, body int, now time.Time) time.Duration {
	const most = 48 * time.Hour // quotas are of a day
	after := time.Duration(0)
	if seconds, err := strconv.ParseUint(header, 10, 31); err == nil {
		after = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(header); err == nil {
		after = at.Sub(now)
	}
	return min(max(after, time.Duration(min(body, 1<<31))*time.Second, 0), most)
}

// again says when to try again.
func (c *Client) again(after time.Duration) string {
	if after == 0 {
		return "try again later"
	}
	at := c.options.Now().UTC().Add(after).Truncate(time.Second)
	return fmt.Sprintf("try again in %s, at %s", after.Round(time.Second), at.Format(time.RFC3339))
}
