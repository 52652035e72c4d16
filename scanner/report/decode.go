package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/example/microscanner-frontend/scanner/policy"
)

// MaxSize is the size in bytes above which a report is neither written nor
// read. A finding has about 1 KB, and a scan takes 120,000 of them.
const MaxSize = 128 << 20

func errTooLarge() error {
	return fmt.Errorf("the report is larger than %d MiB", MaxSize>>20)
}

// Decode reads a report that WriteJSON wrote. A report that is too large,
// that another schema's program wrote, or that contradicts itself is an error.
func Decode(r io.Reader) (*Report, error) {
	limited := &io.LimitedReader{R: r, N: MaxSize + 1}
	dec := json.NewDecoder(&elements{r: limited, left: maxElements})
	var out Report
	err := dec.Decode(&out)
	if err == nil {
		err = noMore(dec)
	}
	if limited.N <= 0 {
		return nil, errTooLarge()
	}
	if err != nil {
		return nil, fmt.Errorf("the report is not a JSON document of this program: %w", err)
	}
	return &out, out.validate()
}

func noMore(dec *json.Decoder) error {
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows behind its end")
	}
	return nil
}

// validate checks what the readers of a report rely on.
func (r *Report) validate() error {
	major, _, _ := strings.Cut(SchemaVersion, ".")
	if got, _, _ := strings.Cut(r.SchemaVersion, "."); got != major {
		return fmt.Errorf("the report has schema version %q; this program reads %s.x", r.SchemaVersion, major)
	}
	v := r.Verdict
	switch v.ExitCode {
	case policy.ExitPass, policy.ExitError, policy.ExitGate:
	default:
		return fmt.Errorf("the report's verdict has the exit code %d, which has no meaning", v.ExitCode)
	}
	if v.Pass != (v.ExitCode == policy.ExitPass) {
		return fmt.Errorf("the report contradicts itself: pass is %t, exit_code is %d", v.Pass, v.ExitCode)
	}
	if v.Pass && v.Failing != 0 {
		return fmt.Errorf("the report contradicts itself: it passes with %d findings that fail", v.Failing)
	}
	return r.validateCounts()
}

// validateCounts compares the verdict with the findings that it is about.
func (r *Report) validateCounts() error {
	for i := range r.Resources {
		if g := r.Resources[i].Resource.Group; g != "" && g != GroupKernelHeaders {
			return fmt.Errorf("the report has a package in the group %q, which has no meaning", g)
		}
	}
	counting, suppressed := 0, 0
	var counts policy.Counts
	for _, f := range r.AllFindings() {
		switch f.Group {
		case "":
			counting++
			counts.Add(f.Severity)
		case GroupSuppressed:
			suppressed++
		}
	}
	v := r.Verdict
	if n := v.Counts.Total(); n != counting {
		return fmt.Errorf("the report contradicts itself: it holds %d findings, its verdict counts %d", counting, n)
	}
	if v.Counts != counts {
		return fmt.Errorf("the report contradicts itself: it holds %s, its verdict counts %s", counts, v.Counts)
	}
	if n := v.Suppressed.Total(); n != suppressed {
		return fmt.Errorf("the report contradicts itself: it holds %d suppressed findings, its verdict counts %d", suppressed, n)
	}
	if n := v.Base.Total() + v.Added.Total(); n != 0 && n != counting {
		return fmt.Errorf("the report contradicts itself: it holds %d findings, its verdict has the origin of %d", counting, n)
	}
	return nil
}
