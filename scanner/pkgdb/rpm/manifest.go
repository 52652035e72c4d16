package rpm

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/example/microscanner-frontend/scanner/pkgdb"
)

// pathManifest is the list of packages in images of Azure Linux without rpm.
const pathManifest = "var/lib/rpmmanifest/container-manifest-2"

// Fields of the manifest, which is rpm's output for "%{NAME}\t
// %{VERSION}-%{RELEASE}\t%{INSTALLTIME}\t%{BUILDTIME}\t%{VENDOR}\t%{EPOCH}\t
// %{SIZE}\t%{ARCH}\t%{EPOCHNUM}\t%{SOURCERPM}\n".
const (
	fieldName        = 0
	fieldVersion     = 1
	fieldInstallTime = 2
	fieldVendor      = 4
	fieldArch        = 7
	fieldEpoch       = 8
	fieldSource      = 9
	manifestFields   = 10
)

// parseManifest reads the manifest. A line that is wrong is a problem and does
// not stop the rest.
func parseManifest(r io.Reader, d *database) error {
	lines := pkgdb.NewLines(r)
	for lines.Next() {
		if len(lines.Text()) == 0 {
			continue
		}
		h, err := parseManifestLine(lines)
		if err == nil {
			err = d.add(h)
		}
		if reason, ok := errors.AsType[damage](err); ok {
			if !d.problem(lines.Number(), string(reason)) {
				return nil
			}
		} else if err != nil {
			return err
		}
	}
	return lines.Err()
}

func parseManifestLine(lines *pkgdb.Lines) (header, error) {
	fields := bytes.Split(lines.Text(), []byte("\t"))
	if lines.Cut() || len(fields) != manifestFields {
		return header{}, damage(fmt.Sprintf("a package has %d fields, not %d", manifestFields, len(fields)))
	}
	version := fields[fieldVersion]
	dash := bytes.LastIndexByte(version, '-')
	if dash < 0 {
		return header{}, damage(fmt.Sprintf("%.64q is not a version and a release", version))
	}
	epoch, err := strconv.ParseUint(string(fields[fieldEpoch]), 10, 32)
	if err != nil {
		return header{}, damage(fmt.Sprintf("%.64q is not an epoch", fields[fieldEpoch]))
	}
	installed, err := strconv.ParseUint(string(fields[fieldInstallTime]), 10, 32)
	if err != nil {
		return header{}, damage(fmt.Sprintf("%.64q is not an install time", fields[fieldInstallTime]))
	}
	return header{
		name: fields[fieldName], version: version[:dash], release: version[dash+1:], arch: fields[fieldArch],
		vendor: fields[fieldVendor], sourceRPM: fields[fieldSource],
		epoch: uint32(epoch), installTime: uint32(installed),
	}, nil
}
