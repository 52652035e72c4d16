package suse

import "strings"

// family is a line of products whose packages SUSE publishes advisories for.
type family string

const (
	server     family = "sles"
	desktop    family = "sled"
	sap        family = "sles_sap"
	hpc        family = "sle_hpc"
	serverLTSS family = "sles-ltss"
	hpcLTSS    family = "sle_hpc-ltss"
	hpcESPOS   family = "sle_hpc-espos"
	micro      family = "sle-micro"
	leap       family = "leap"
	tumbleweed family = "tumbleweed"
)

// product is the CPE of a release of the family, as SUSE writes it in its OVAL
// and in os-release: "cpe:/o:suse:sles:15:sp5". All products that are called
// Micro are sle-micro here.
func (f family) product(release string) string {
	major, minor, _ := strings.Cut(release, ".")
	switch {
	case f == tumbleweed:
		return "cpe:/o:opensuse:tumbleweed"
	case f == leap:
		return "cpe:/o:opensuse:leap:" + release
	case f == micro || len(major) == 2 && major > "15":
		return "cpe:/o:suse:" + string(f) + ":" + release
	case minor == "0":
		return "cpe:/o:suse:" + string(f) + ":" + major
	}
	return "cpe:/o:suse:" + string(f) + ":" + major + ":sp" + minor
}

// product is what an installed release package says.
type product struct {
	families []family
	releases []string
	// extension is set for a part that can be added to products of SUSE Linux
	// Enterprise: a module. The part's own packages are looked for wherever they
	// can be installed, as images rarely have the release package of a part.
	extension bool
}

// installed tells the product of a release package; false if its packages are
// of no interest, as those of SUSE Manager.
func installed(name, version string) (product, bool) {
	release := releaseOf(version)
	if release == "" {
		return product{}, false
	}
	one := func(f family) (product, bool) {
		return product{families: []family{f}, releases: []string{release}}, true
	}
	switch name {
	case "sles-release":
		return one(server)
	case "sled-release":
		return one(desktop)
	case "SLES_SAP-release":
		return one(sap)
	case "SLE_HPC-release":
		return one(hpc)
	case "sles-ltss-release":
		return one(serverLTSS)
	case "SLE_HPC-LTSS-release":
		return one(hpcLTSS)
	case "SLE_HPC-ESPOS-release":
		return one(hpcESPOS)
	case "SUSE-MicroOS-release", "SLE-Micro-release", "SL-Micro-release":
		return one(micro)
	case "openSUSE-release":
		if major, _, _ := strings.Cut(release, "."); len(major) < 2 {
			return product{}, false // openSUSE Leap Micro
		} else if len(major) == 8 {
			return product{families: []family{tumbleweed}, releases: []string{string(tumbleweed)}}, true
		}
		return one(leap)
	case "sle-sdk-release", "sle-we-release":
		return extension(release), true
	}
	if strings.HasPrefix(name, "sle-module-") && strings.HasSuffix(name, "-release") {
		return extension(release), true
	}
	return product{}, false
}

// extension is a module, or another extension of SUSE Linux Enterprise. The
// modules of 12 are for all its service packs.
func extension(release string) product {
	p := product{families: []family{server, desktop, sap, hpc}, releases: []string{release}, extension: true}
	if release == "12.0" {
		p.releases = []string{"12.0", "12.1", "12.2", "12.3", "12.4", "12.5"}
	}
	return p
}
