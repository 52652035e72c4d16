package frontend

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/gateway/client"

	"github.com/example/microscanner-frontend/llbgen"
	"github.com/example/microscanner-frontend/scanner/report"
)

// reportState is the report of a rootfs: the scanner's own or, if there is a
// token service, the service's. id and day are those of config.cacheKeys.
func (s *stage) reportState(t target, rootfs llb.State, id, day string) llb.State {
	if s.cfg.Server != "" {
		return s.remote(t, rootfs, id)
	}
	return llbgen.Scan{
		Scanner:      s.scanner,
		Rootfs:       rootfs,
		Database:     s.database,
		Suppressions: s.cfg.suppressions,
		Flags:        s.cfg.scannerFlags(t),
		ID:           id,
		Day:          day,
		Name:         fmt.Sprintf("[microscanner] scan the rootfs of %s", t),
	}.State()
}

// remote is the report of a rootfs by a token service. The process that reads
// the rootfs has neither the token nor a network; the one that has both reads
// no rootfs. The service is asked in every build, whatever the setting rescan
// says: no cache key tells which database it has.
func (s *stage) remote(t target, rootfs llb.State, id string) llb.State {
	return llbgen.Remote{
		Scanner: s.scanner,
		Inventory: llbgen.Inventory{
			Scanner: s.scanner,
			Rootfs:  rootfs,
			ID:      id,
			Name:    fmt.Sprintf("[microscanner] list the packages of %s", t),
		}.State(),
		Server:       s.cfg.Server,
		Suppressions: s.cfg.suppressions,
		Flags:        s.cfg.scannerFlags(t),
		ID:           s.id,
		Name:         fmt.Sprintf("[microscanner] have the packages of %s scanned by %s", t, s.cfg.Server),
	}.State()
}

// readReport reads the report that reportState is.
func (s *stage) readReport(ctx context.Context, ref client.Reference) (*report.Report, error) {
	if s.cfg.Server != "" {
		if err := refusal(ctx, ref); err != nil {
			return nil, err
		}
	}
	dt, err := readFile(ctx, ref, llbgen.ReportName)
	if err != nil {
		return nil, fmt.Errorf("read the report: %w", err)
	}
	return report.Decode(bytes.NewReader(dt))
}

// refusal is an error with just the text by which a stage said why it has no
// report; nil if it has one.
func refusal(ctx context.Context, ref client.Reference) error {
	refused, err := exists(ctx, ref, llbgen.ErrorName)
	if err != nil {
		return fmt.Errorf("read the report: %w", err)
	}
	if !refused {
		return nil
	}
	dt, err := readFile(ctx, ref, llbgen.ErrorName)
	if err != nil {
		return fmt.Errorf("read why there is no report: %w", err)
	}
	return errors.New(report.Printable(strings.TrimSpace(string(dt))))
}
