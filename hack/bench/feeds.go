package main

import (
	"archive/zip"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// localFeed is a real feed, or a sample of one, in the folder of shared data.
type localFeed struct {
	name, path string
	// members are what the feed is made of if path is an archive of samples: by
	// the place in the feed's tree, or "" for the feed itself.
	members map[string]string
}

// localFeeds lists everything in the shared data that an importer reads.
func localFeeds() []localFeed {
	const (
		amazon = "vuls-data-update/pkg/fetch/amazon/testdata/fixtures/"
		suse   = "vuls-data-update/pkg/fetch/suse/oval/testdata/fixtures/happy/"
		ubuntu = "vuls-data-update/pkg/fetch/ubuntu/"
	)
	one := func(member string) map[string]string { return map[string]string{"": member} }
	return []localFeed{
		{"debian", "debian/tracker-shape-from-dsa-dla.json.gz", nil},
		{"debian-dsa", "debian/dsa-list.txt.gz", nil},
		{"debian-dla", "debian/dla-list.txt.gz", nil},
		{"debian-elts", "debian/elts-osv.zip", nil},
		{"ubuntu", "ubuntu/feeds-samples.zip", one(ubuntu + "osv/testdata/fixtures/happy/osv-all.tar.xz")},
		{"ubuntu-oval", "ubuntu/feeds-samples.zip", map[string]string{
			"com.ubuntu.jammy.cve.oval.xml.bz2": ubuntu + "oval/testdata/fixtures/oci.com.ubuntu.jammy.cve.oval.xml.bz2",
		}},
		{"ubuntu-cve-tracker", "ubuntu/uct-2020-06.jsonl.gz", nil},
		{"alpine", "alpine/secdb-json", nil},
		{"rhel", "redhat/vex.zip", nil},
		{"rhel-repositories", "redhat/repository-to-cpe.json.gz", nil},
		{"centos", "redhat/vex.zip", nil},
		{"oracle", "oracle/oval.zip", one("vuls-data-update/pkg/fetch/oracle/linux/testdata/fixtures/com.oracle.elsa-all.xml.bz2")},
		{"alma", "almalinux/osv-all.zip", nil},
		{"rocky", "rocky/errata-osv-samples.zip", one("vuls-data-update/pkg/fetch/rocky/osv/testdata/fixtures/all.zip")},
		{"amazon", "amazon/updateinfo.zip", map[string]string{
			"2/core/updateinfo.xml.gz":               amazon + "updateinfo_2.xml.gz",
			"2/extras-catalog.json":                  amazon + "extras-catalog_valid.json",
			"2/extras/kernel-5.15/updateinfo.xml.gz": amazon + "updateinfo_2_kernel-5.15.xml.gz",
			"2023/core/updateinfo.xml.gz":            amazon + "updateinfo_2023.xml.gz",
		}},
		{"amazon-1", "amazon/updateinfo.zip", one(amazon + "updateinfo_1.xml.gz")},
		{"suse", "suse/oval.zip", map[string]string{
			"opensuse.13.2.xml.gz":                          suse + "opensuse.13.2.xml.gz",
			"opensuse.leap.15.2.xml.gz":                     suse + "opensuse.leap.15.2.xml.gz",
			"opensuse.tumbleweed.xml.gz":                    suse + "opensuse.tumbleweed.xml.gz",
			"suse.linux.enterprise.12-affected.xml.gz":      suse + "suse.linux.enterprise.12-affected.xml.gz",
			"suse.linux.enterprise.15-affected.xml.gz":      suse + "suse.linux.enterprise.15-affected.xml.gz",
			"suse.linux.enterprise.16-affected.xml.gz":      suse + "suse.linux.enterprise.16-affected.xml.gz",
			"suse.linux.enterprise.micro.5-affected.xml.gz": suse + "suse.linux.enterprise.micro.5-affected.xml.gz",
			"suse.linux.micro.6-affected.xml.gz":            suse + "suse.linux.micro.6-affected.xml.gz",
		}},
		{"wolfi", "wolfi/feeds-samples.zip", one("vuls-data-update/pkg/fetch/wolfi/secdb/testdata/fixtures/happy/security.json")},
		{"chainguard", "wolfi/feeds-samples.zip", one("vuls-data-update/pkg/fetch/chainguard/secdb/testdata/fixtures/happy/security.json")},
		{"azurelinux", "azurelinux/azurelinux-3.0-oval.xml.gz", nil},
		{"severity", "severity/cvss.tsv.gz", nil},
	}
}

// layOut puts the feeds below dir where they are samples in an archive, and
// gives the arguments of db build that name all of them.
func layOut(feeds []localFeed, data, dir string) ([]string, error) {
	var args []string
	for _, f := range feeds {
		location := filepath.Join(data, filepath.FromSlash(f.path))
		if f.members != nil {
			var err error
			if location, err = f.unpack(location, filepath.Join(dir, f.name)); err != nil {
				return nil, fmt.Errorf("lay out the feed %s: %w", f.name, err)
			}
		}
		args = append(args, "--feed", f.name+"="+location)
	}
	return args, nil
}

// unpack writes the members below dir, and gives what the feed's location is
// then.
func (f *localFeed) unpack(archive, dir string) (location string, err error) {
	z, err := zip.OpenReader(archive)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, z.Close()) }()
	location = dir
	for place, member := range f.members {
		if place == "" {
			place = path.Base(member)
			location = filepath.Join(dir, place)
		}
		if err := copyMember(&z.Reader, member, filepath.Join(dir, filepath.FromSlash(place))); err != nil {
			return "", err
		}
	}
	return location, nil
}

func copyMember(z *zip.Reader, member, to string) error {
	content, err := fs.ReadFile(z, member)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, content, 0o600)
}
