package debian

import (
	"time"

	"github.com/example/microscanner-frontend/scanner/distro"
)

// release is a release of Debian.
type release struct {
	codename string // as the security tracker names it
	number   string // as the release files and our records do
	// end is the last day of security updates for everybody, those of the LTS
	// team included; empty if it is not set yet. extended is the last day of
	// those that Freexian sells.
	end, extended string
}

// releases lists all releases, with the words, numbers and days of the package
// distro-info-data (https://debian.pages.debian.net/distro-info-data/debian.csv,
// columns eol-lts, or eol where there is none, and eol-elts). Testing has its
// coming number; unstable has none.
func releases() []release {
	return []release{
		{"buzz", "1.1", "1997-06-05", ""},
		{"rex", "1.2", "1998-06-05", ""},
		{"bo", "1.3", "1999-03-09", ""},
		{"hamm", "2.0", "2000-03-09", ""},
		{"slink", "2.1", "2000-10-30", ""},
		{"potato", "2.2", "2003-06-30", ""},
		{"woody", "3.0", "2006-06-30", ""},
		{"sarge", "3.1", "2008-03-31", ""},
		{"etch", "4", "2010-02-15", ""},
		{"lenny", "5", "2012-02-06", ""},
		{"squeeze", "6", "2016-02-29", ""},
		{"wheezy", "7", "2018-05-31", "2020-06-30"},
		{"jessie", "8", "2020-06-30", "2025-06-30"},
		{"stretch", "9", "2022-06-30", "2027-06-30"},
		{"buster", "10", "2024-06-30", "2029-06-30"},
		{"bullseye", "11", "2026-08-31", "2031-06-30"},
		{"bookworm", "12", "2028-06-30", "2033-06-30"},
		{"trixie", "13", "2030-06-30", "2035-06-30"},
		{"forky", "14", "", ""},
		{"duke", "15", "", ""},
		{"sid", releaseSid, "", ""},
	}
}

// numbers gives the release of each codename.
func numbers() map[string]string {
	out := map[string]string{}
	for _, r := range releases() {
		out[r.codename] = r.number
	}
	return out
}

// lifecycle tells the last days of updates of a release; false for one that is
// newer than the table.
func lifecycle(number string) (distro.Lifecycle, bool) {
	for _, r := range releases() {
		if r.number == number {
			return distro.Lifecycle{End: day(r.end), Extended: day(r.extended), ExtendedName: extendedName(r)}, true
		}
	}
	return distro.Lifecycle{}, false
}

func extendedName(r release) string {
	if r.extended == "" {
		return ""
	}
	return "Extended LTS (Freexian)"
}

// day reads a day of the table; zero if there is none.
func day(s string) time.Time {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return time.Time{}
	}
	return t
}
