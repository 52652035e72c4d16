package frontend

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"path"
	"time"

	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	"github.com/moby/buildkit/frontend/gateway/client"

	"github.com/example/microscanner-frontend/llbgen"
	"github.com/example/microscanner-frontend/scanner/report/formats/all"
)

// What an export of reports looks like, for each platform.
const (
	reportBase = "report" // report.json, report.sarif, …
	stagesDir  = "stages" // with a folder for each stage that is not the image's
)

// reports is a result with the reports in the place of the images: a directory
// for each platform, as BuildKit exports several of them. It is also the result
// of a build that the gate would refuse; the verdict is in the reports.
func (s *stage) reports(ctx context.Context, images *client.Result, scans outcomes) (*client.Result, error) {
	res := client.NewResult()
	if platforms, ok := images.Metadata[exptypes.ExporterPlatformsKey]; ok {
		res.AddMeta(exptypes.ExporterPlatformsKey, platforms)
	}
	for _, o := range scans.deciding(false) {
		archive, err := scans.of(o.platform).archive()
		if err != nil {
			return nil, reportsError(o.target, err)
		}
		ref, _, err := solve(ctx, s.client, llbgen.Unpack(archive, "[microscanner] write the reports of "+o.platform))
		if err != nil {
			return nil, reportsError(o.target, err)
		}
		if len(images.Refs) == 0 {
			res.SetRef(ref)
			continue
		}
		res.AddRef(o.platform, ref)
	}
	for _, o := range scans.deciding(s.cfg.GateStages).failing() {
		o.notify(ctx, s.client)
	}
	scans.warn(ctx, s.client, s.cfg.notices(time.Now()))
	return res, nil
}

// of are the scans of one platform.
func (o outcomes) of(platform string) outcomes {
	var out outcomes
	for _, s := range o {
		if s.platform == platform {
			out = append(out, s)
		}
	}
	return out
}

// notify says that an image would not be exported.
func (s *outcome) notify(ctx context.Context, c client.Client) {
	text := fmt.Sprintf("microscanner: a build would not export the image of %s: %s", s.platform, s.reason())
	_ = c.Warn(ctx, s.vertex, text, client.WarnOpts{Level: 1})
}

// maxArchive bounds the compressed reports of a platform: they travel in a
// message of BuildKit's, which holds at most 16 MiB.
const maxArchive = 15 << 20

var errReportsTooLarge = errors.New("they are larger than what BuildKit can carry; scan the image with the command line program instead")

// archive holds each scan's report in every format, as tar.gz. BuildKit unpacks
// it: reports are large, and shrink to a tenth and less.
func (o outcomes) archive() ([]byte, error) {
	var b bytes.Buffer
	compressed := gzip.NewWriter(&b)
	w := tar.NewWriter(compressed)
	for _, s := range o {
		if err := s.write(w); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(w.Close(), compressed.Close()); err != nil {
		return nil, err
	}
	if b.Len() > maxArchive {
		return nil, errReportsTooLarge
	}
	return b.Bytes(), nil
}

// write writes a scan's report in every format.
func (s *outcome) write(w *tar.Writer) error {
	dir := ""
	if s.stage != "" {
		dir = path.Join(stagesDir, path.Join("/", s.stage)) // never above it
	}
	scanned := time.Unix(s.report.ScanStarted.Seconds, 0)
	for _, f := range all.List() {
		var b bytes.Buffer
		if err := f.Write(&b, s.report); err != nil {
			return fmt.Errorf("write %s: %w", f.Name, err)
		}
		header := &tar.Header{
			Name: path.Join(dir, reportBase+f.Extension), Size: int64(b.Len()),
			Mode: 0o644, ModTime: scanned, Typeflag: tar.TypeReg,
		}
		if err := w.WriteHeader(header); err != nil {
			return err
		}
		if _, err := w.Write(b.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// reportsError says that the scan was done and its reports cannot be exported.
func reportsError(t target, err error) error {
	return &buildError{fmt.Sprintf("microscanner: error: the reports of %s cannot be exported. This is an error in the scan, not a finding", t), err}
}
