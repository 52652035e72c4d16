package remote

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// maxCAFile is more bytes than any list of certificates has; that of Mozilla
// has 220 KB.
const maxCAFile = 8 << 20

// trust makes the settings of TLS. The roots are those of the system or, where
// it has none, Mozilla's, which are part of this program: an image has rarely
// more certificates than its program needs. Those of caFile come on top, and
// those of the other files that are there.
func trust(noVerify bool, caFile string, more ...string) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if noVerify {
		config.InsecureSkipVerify = true
		return config, nil
	}
	roots, err := x509.SystemCertPool()
	if err != nil || roots.Equal(x509.NewCertPool()) {
		if roots, err = embeddedRoots(); err != nil {
			return nil, err
		}
	}
	if caFile != "" {
		if err := addCertificates(roots, caFile); err != nil {
			return nil, err
		}
	}
	for _, name := range more {
		if err := addCertificates(roots, name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	config.RootCAs = roots
	return config, nil
}

// addCertificates adds what is in a PEM file. The error wraps fs.ErrNotExist if
// there is no such file.
func addCertificates(roots *x509.CertPool, name string) error {
	pem, err := readBounded(name, maxCAFile)
	if err != nil {
		return fmt.Errorf("cannot read the CA certificates in %s: %w", name, err)
	}
	if !roots.AppendCertsFromPEM(pem) {
		return fmt.Errorf("there is no PEM certificate in %s", name)
	}
	return nil
}

// TLS makes the settings of TLS for clients of other servers: the same roots.
func TLS(caFile string) (*tls.Config, error) { return trust(false, caFile) }

func embeddedRoots() (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	for root := range bundle.Roots() {
		cert, err := x509.ParseCertificate(root.Certificate)
		if err != nil {
			return nil, fmt.Errorf("parse an embedded root certificate: %w", err)
		}
		pool.AddCertWithConstraint(cert, root.Constraint)
	}
	return pool, nil
}

// certificateError says whose certificate cannot be trusted, why, and what can
// be done about it. help is Options.CAHelp.
func certificateError(server, help string, err error) error {
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	giveUp := ""
	wayOut := help
	if help == "" {
		giveUp = ", or give up the check with --no-verify"
		wayOut = "install ca-certificates, name the CA's certificate with --ca-file" + giveUp
	}
	switch {
	case errors.As(err, &name):
		wayOut = "use a name that the certificate is for" + giveUp
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		wayOut = fmt.Sprintf("renew it or set the clock of this machine, which says %s%s", time.Now().UTC().Format(time.RFC3339), giveUp)
	}
	if v, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		err = v.Err
	}
	return fmt.Errorf("the certificate of %s cannot be verified (%w): %s", server, err, wayOut)
}
