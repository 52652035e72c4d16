package server

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// pair is a certificate and its key, which are read again when a file changed.
type pair struct {
	cert, key string
	log       *slog.Logger

	lock    sync.Mutex
	loaded  *tls.Certificate
	changed [2]time.Time // of the files that were loaded
	looked  time.Time
}

// lookAgain is how often the files are looked at, at most.
const lookAgain = time.Second

func loadPair(cert, key string, log *slog.Logger) (*pair, error) {
	p := &pair{cert: cert, key: key, log: log}
	changed, err := p.times()
	if err != nil {
		return nil, err
	}
	return p, p.load(changed)
}

// get is a tls.Config's GetCertificate. Files that cannot be used leave the
// certificate in use.
func (p *pair) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	p.lock.Lock()
	defer p.lock.Unlock()
	if time.Since(p.looked) < lookAgain {
		return p.loaded, nil
	}
	p.looked = time.Now()
	changed, err := p.times()
	if err == nil && changed != p.changed {
		err = p.load(changed)
	}
	if err != nil {
		p.log.Error("the new certificate cannot be used", "error", err)
	}
	return p.loaded, nil
}

func (p *pair) times() (out [2]time.Time, err error) {
	for i, name := range []string{p.cert, p.key} {
		info, err := os.Stat(name)
		if err != nil {
			return out, fmt.Errorf("read the certificate: %w", err)
		}
		out[i] = info.ModTime()
	}
	return out, nil
}

func (p *pair) load(changed [2]time.Time) error {
	loaded, err := tls.LoadX509KeyPair(p.cert, p.key)
	if err != nil {
		return fmt.Errorf("load the certificate %s with the key %s: %w", p.cert, p.key, err)
	}
	p.loaded, p.changed = &loaded, changed
	return nil
}
