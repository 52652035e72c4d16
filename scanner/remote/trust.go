package remote

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// maxCAFile is more bytes than any list of certificates has; that of Mozilla
// has 220 KB.
const maxCAFile = 8 << 20

// trust makes the settings of TLS. The roots are those of the system or, where
// it has none, Mozilla's, which are part of this program: an image has rarely
// more certificates than its program needs. Those of caFile come on top.
func trust(caFile string, noVerify bool) (*tls.Config, error) {
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
		pem, err := readBounded(caFile, maxCAFile)
		if err != nil {
			return nil, fmt.Errorf("cannot read the CA certificates in %s: %w", caFile, err)
		}
		if !roots.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("there is no PEM certificate in %s", caFile)
		}
	}
	config.RootCAs = roots
	return config, nil
}

// TLS makes the settings of TLS for clients of other servers: the same roots.
func TLS(caFile string) (*tls.Config, error) { return trust(caFile, false) }

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
// be done about it.
func certificateError(server string, err error) error {
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	wayOut := "install ca-certificates, name the CA's certificate with --ca-file, or give up the check with --no-verify"
	switch {
	case errors.As(err, &name):
		wayOut = "use a name that the certificate is for, or give up the check with --no-verify"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		wayOut = fmt.Sprintf("renew it, set the clock of this machine, which says %s, or give up the check with --no-verify",
			time.Now().UTC().Format(time.RFC3339))
	}
	if v, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		err = v.Err
	}
	return fmt.Errorf("the certificate of %s cannot be verified (%w): %s", server, err, wayOut)
}
