package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/example/microscanner-frontend/scanner/remote"
	"github.com/example/microscanner-frontend/service/servicetest"
)

type options struct {
	rate             float64
	duration, warm   time.Duration
	packages, images int
	clients          int
	plain            bool
	settings         []string
}

// run starts a service, loads it, and prints what came out.
func run(ctx context.Context, out io.Writer, o options) (err error) {
	if o.packages < 1 || o.packages > sources/2 || o.images < 1 || o.clients < 1 {
		return fmt.Errorf("an inventory has 1 to %d packages; there is at least one image and one client", sources/2)
	}
	dir, err := os.MkdirTemp("", "serviceload-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := writeDatabase(ctx, filepath.Join(dir, "db")); err != nil {
		return fmt.Errorf("make a database: %w", err)
	}
	bodies, err := requests(o.images, o.packages)
	if err != nil {
		return err
	}
	program := filepath.Join(dir, "microscanner")
	if err := servicetest.BuildProgram(ctx, program); err != nil {
		return err
	}
	token, err := servicetest.AddToken(ctx, filepath.Join(dir, "store.db"))
	if err != nil {
		return err
	}
	s, err := servicetest.StartProcess(ctx, program, dir, append([]string{"--daily-limit=1000000000"}, o.settings...)...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	l := &load{options: o, service: s, token: token, bodies: bodies, client: &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: s.Roots, MinVersion: tls.VersionTLS12}, DisableCompression: true,
		MaxIdleConnsPerHost: o.clients,
	}}}
	if _, err := l.send(ctx, o.warm, func() {}); err != nil {
		return err
	}
	return l.measure(ctx, out)
}

// load sends scans to a service. Each client has a connection of its own, over
// HTTP/1.1: what many build machines do.
type load struct {
	options
	service *servicetest.Process
	token   string
	bodies  [][]byte
	client  *http.Client
	next    atomic.Int64
}

// measure sends for the time that is counted, and prints the result.
func (l *load) measure(ctx context.Context, out io.Writer) error {
	before, err := l.service.Usage()
	if err != nil {
		return err
	}
	var middle servicetest.Usage
	var errMiddle error
	started := time.Now()
	took, err := l.send(ctx, l.duration, func() { middle, errMiddle = l.service.Usage() })
	elapsed := time.Since(started)
	after, errAfter := l.service.Usage()
	if err := errors.Join(err, errMiddle, errAfter); err != nil {
		return err
	}
	if len(took) == 0 {
		return errors.New("no scan was answered in that time")
	}
	slices.Sort(took)
	rank := func(percent int) float64 { return took[(len(took)-1)*percent/100].Seconds() * 1000 }
	scans := float64(len(took))
	fmt.Fprintf(out, "memory: %.0f MiB at the start, %.0f in the middle, %.0f at the end\n", before.RSS, middle.RSS, after.RSS)
	_, err = fmt.Fprintf(out, "BenchmarkService/packages=%d/rate=%.0f %d %.0f ns/op %.1f scans/s %.2f cpu-ms/scan %.1f p50-ms %.1f p95-ms %.1f p99-ms %.0f rss-MiB\n",
		l.packages, l.rate, len(took), float64(elapsed.Nanoseconds())/scans, scans/elapsed.Seconds(),
		(after.CPU-before.CPU).Seconds()*1000/scans, rank(50), rank(95), rank(99), after.RSS)
	return err
}

// send sends scans for a time, and calls middle when half of it is over. With a
// rate, the time of an answer counts from when the scan was due, also if no
// client was free then.
func (l *load) send(ctx context.Context, d time.Duration, middle func()) ([]time.Duration, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	started := time.Now()
	var sent atomic.Int64
	due := func() (time.Time, bool) {
		now := time.Now()
		if l.rate > 0 {
			now = started.Add(time.Duration(float64(sent.Add(1)-1) / l.rate * float64(time.Second)))
		}
		return now, now.Sub(started) < d
	}
	timer := time.AfterFunc(d/2, middle)
	defer timer.Stop()
	var lock sync.Mutex
	var took []time.Duration
	var clients sync.WaitGroup
	for range l.clients {
		clients.Go(func() {
			var own []time.Duration
			for at, ok := due(); ok && ctx.Err() == nil; at, ok = due() {
				time.Sleep(time.Until(at))
				if err := l.scan(ctx); err != nil {
					cancel(err)
					break
				}
				own = append(own, time.Since(at))
			}
			lock.Lock()
			defer lock.Unlock()
			took = append(took, own...)
		})
	}
	clients.Wait()
	return took, context.Cause(ctx)
}

// scan has the next image scanned.
func (l *load) scan(ctx context.Context) error {
	body := l.bodies[int(l.next.Add(1))%len(l.bodies)]
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.service.URL+remote.PathScan, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+l.token)
	req.Header.Set("Content-Type", "application/json")
	if !l.plain {
		req.Header.Set("Accept-Encoding", "gzip")
	}
	resp, err := l.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 1000))
		return fmt.Errorf("a scan was answered with %s: %s", resp.Status, text)
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}
