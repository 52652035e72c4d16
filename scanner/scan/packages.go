package scan

import (
	"fmt"
	"io/fs"

	"github.com/example/microscanner-frontend/scanner/match"
	"github.com/example/microscanner-frontend/scanner/report"
)

// reasonNotCompared is what keeps a list of packages from passing for a scan.
const reasonNotCompared = "this is a list of packages, which were compared with no advisories"

// Packages lists what is installed in a root file system, in the form of a
// report without findings. Its verdict is an error, so that nobody takes it for
// a scan. A package database that cannot be read in full is an error, and so is an
// operating system whose packages are not known.
func Packages(fsys fs.FS, o Options) (*report.Report, error) {
	started := o.Now()
	inv, err := Inventory(fsys, o.Distros)
	if err != nil {
		return nil, err
	}
	if inv.Unsupported != "" { // nothing was read
		return nil, fmt.Errorf("the list of packages would be empty: %s", inv.Unsupported)
	}
	if len(inv.Problems) > 0 {
		return nil, fmt.Errorf("the list of packages would not be complete: %s", problemText(inv.Problems[0]))
	}
	o.FullOutput = true
	r, err := newReport(&inv, match.Result{}, nil, o)
	if err != nil {
		return nil, err
	}
	for i := range r.Resources {
		r.Resources[i].Scanned, r.Resources[i].ScanError = false, reasonNotCompared
	}
	r.Assessment.Unread = append(r.Assessment.Unread, reasonNotCompared)
	r.PartialResults = true
	r.Judge(o.Policy)
	r.ScanStarted = report.TimestampOf(started)
	return r, nil
}
