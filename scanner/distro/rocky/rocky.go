// Package rocky supports Rocky Linux: releases by their major number.
package rocky

import (
	"net/url"
	"strings"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/distro"
	"github.com/example/microscanner-frontend/scanner/distro/internal/rebuild"
	"github.com/example/microscanner-frontend/scanner/feed"
	"github.com/example/microscanner-frontend/scanner/feed/osv"
)

// ID is the distribution's key in advisory records.
const ID = "rocky"

// Distro describes Rocky Linux. Its OSV records name source packages; records of
// other feeds may name the packages as installed. The dates are those of
// https://wiki.rockylinux.org/rocky/version/.
func Distro() distro.Distro {
	archive := rebuild.OSV{Distro: ID, Ecosystem: "Rocky Linux", Kind: advisory.Source, Skip: isSIG}
	return rebuild.Distro{
		ID: ID, Name: "Rocky Linux",
		ReleaseID: "rocky", LineName: "rocky linux",
		// "Rocky" at first, "Rocky Enterprise Software Foundation" since.
		Vendor: "Rocky",
		Kinds:  []advisory.Kind{advisory.Source, advisory.Binary},
		Ends:   map[string]string{"8": "2029-05-31", "9": "2032-05-31", "10": "2035-05-31"},
		Feeds: []feed.Feed{
			{Name: ID, URL: "https://osv-vulnerabilities.storage.googleapis.com/Rocky%20Linux/all.zip", Records: archive.Import},
		},
	}.Describe()
}

// isSIG tells the packages of the special interest groups, which are built in
// repositories of their own: "distro=rocky-linux-8-sig-cloud". They have the
// names of the distribution's packages, and higher versions.
func isSIG(p osv.Package) bool {
	_, query, _ := strings.Cut(p.Purl, "?")
	qualifiers, err := url.ParseQuery(query)
	return err == nil && strings.Contains(qualifiers.Get("distro"), "-sig-")
}
