package ubuntu

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/feed"
)

// maxDocument is how large a file of the tracker, or a line of its condensed
// form, may be, in bytes. The largest real ones are below 1 MiB.
const maxDocument = 8 << 20

// ImportTracker reads the CVE tracker
// (https://git.launchpad.net/ubuntu-cve-tracker), which alone has releases that
// the other feeds no longer carry: a tree with one text a vulnerability below
// active and retired, or such a text alone; or its condensed form in JSON Lines.
func ImportTracker(ctx context.Context, src *feed.Source, emit func(advisory.Record) error) (feed.Stats, error) {
	t := &tracker{src: src, emit: emit, numbers: numbers(), unknown: map[string]int{}}
	err := src.Walk(ctx, t.document)
	if err == nil && t.stats.Rows == 0 {
		err = fmt.Errorf("%s: this is not Ubuntu's CVE tracker: no advisory is in it", src.Location())
	}
	t.reportUnknown()
	return t.stats, err
}

// tracker reads the CVE tracker.
type tracker struct {
	src     *feed.Source
	emit    func(advisory.Record) error
	stats   feed.Stats
	numbers map[string]string // release by codename
	unknown map[string]int    // rows by what is no release
}

// document reads a file. Which of its forms it has is told from its first
// character; of a tree, only some files are documents.
func (t *tracker) document(name string, r io.Reader) error {
	if name != t.src.Location() && !isTrackerFile(name) {
		return nil
	}
	b := bufio.NewReaderSize(r, 64<<10)
	head, err := b.Peek(1)
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: %w", name, err)
	}
	if bytes.HasPrefix(head, []byte("{")) {
		return t.condensed(name, b)
	}
	text, err := io.ReadAll(io.LimitReader(b, maxDocument+1))
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if len(text) > maxDocument {
		t.stats.Report(name, "it has more than %d bytes", maxDocument)
		return nil
	}
	return t.text(name, string(text))
}

// isTrackerFile tells the documents of a tree.
func isTrackerFile(name string) bool {
	folder, base := path.Base(path.Dir(name)), path.Base(name)
	return strings.HasPrefix(base, "CVE-") && slices.Contains([]string{"active", "retired"}, folder) || strings.Contains(base, ".jsonl")
}

// add takes a row of the tracker.
func (t *tracker) add(v *vulnerability, where, source, name, word, note string) {
	codename, pro, isRelease := splitRelease(name)
	number, known := t.numbers[codename]
	if !isRelease {
		return
	}
	if !known {
		t.unknown[codename]++
		return
	}
	said, err := judge(word, note)
	if err != nil {
		t.stats.Report(where, "%.128s in %s: %v", source, name, err)
		return
	}
	p := v.pair(subject{source, number})
	switch {
	case !pro:
		p.base = said
	case strings.EqualFold(word, "DNE"):
		// The note tells what was known of the package when its support ended:
		// "trusty was needed".
		if known := judgeIgnored(note + ", end-of-life"); known.status != "" {
			p.ended = known
		}
	default:
		p.addPro(said)
	}
}

// splitRelease reads a release as the tracker names it: "xenial", and with the
// updates of Ubuntu Pro "esm-infra/xenial" or, of old, "trusty/esm". It is false
// for what is none: upstream and devel, the version of which is somebody else's,
// and other products.
func splitRelease(name string) (codename string, pro, ok bool) {
	first, second, isPart := strings.Cut(name, "/")
	switch {
	case slices.Contains([]string{"upstream", "devel", "product", "snap"}, name):
		return "", false, false
	case !isPart:
		return name, false, true
	case second == "esm":
		return first, true, true
	case first == "esm" || strings.HasPrefix(first, "esm-"):
		return second, true, true
	}
	return "", false, false
}

// finish hands on what the tracker says of a vulnerability.
func (t *tracker) finish(v *vulnerability) error {
	if _, _, ok := advisory.SplitCVE(v.id); !ok || isRejected(v.description) {
		return nil // CVE-2012-NNN1 is a placeholder, and no stable id
	}
	for _, rec := range v.records() {
		if err := t.emit(rec); err != nil {
			return err
		}
		t.stats.Rows++
	}
	return nil
}

// reportUnknown says which releases were left out.
func (t *tracker) reportUnknown() {
	names := make([]string, 0, len(t.unknown))
	for name := range t.unknown {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		t.stats.Report(t.src.Location(), "there is no release %.64q; left out: %d", name, t.unknown[name])
	}
}
