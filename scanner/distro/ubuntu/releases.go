package ubuntu

import (
	"strings"
	"time"

	"github.com/example/microscanner-frontend/scanner/distro"
)

// release is a release of Ubuntu.
type release struct {
	codename string // as the CVE tracker names it
	number   string // as the release files and our records do
	// end is the last day of security updates for everybody. pro is the last
	// day of those of Ubuntu Pro, empty for a release without.
	end, pro string
}

// releases lists all releases, with the words, numbers and days of the package
// distro-info-data (https://debian.pages.debian.net/distro-info-data/ubuntu.csv,
// columns eol-server, or eol where there is none, and eol-esm).
func releases() []release {
	return []release{
		{"warty", "4.10", "2006-04-30", ""},
		{"hoary", "5.04", "2006-10-31", ""},
		{"breezy", "5.10", "2007-04-13", ""},
		{"dapper", "6.06", "2011-06-01", ""},
		{"edgy", "6.10", "2008-04-25", ""},
		{"feisty", "7.04", "2008-10-19", ""},
		{"gutsy", "7.10", "2009-04-18", ""},
		{"hardy", "8.04", "2013-05-09", ""},
		{"intrepid", "8.10", "2010-04-30", ""},
		{"jaunty", "9.04", "2010-10-23", ""},
		{"karmic", "9.10", "2011-04-30", ""},
		{"lucid", "10.04", "2015-04-30", ""},
		{"maverick", "10.10", "2012-04-10", ""},
		{"natty", "11.04", "2012-10-28", ""},
		{"oneiric", "11.10", "2013-05-09", ""},
		{"precise", "12.04", "2017-04-28", "2019-04-26"},
		{"quantal", "12.10", "2014-05-16", ""},
		{"raring", "13.04", "2014-01-27", ""},
		{"saucy", "13.10", "2014-07-17", ""},
		{"trusty", "14.04", "2019-04-25", "2024-04-25"},
		{"utopic", "14.10", "2015-07-23", ""},
		{"vivid", "15.04", "2016-02-04", ""},
		{"wily", "15.10", "2016-07-28", ""},
		{"xenial", "16.04", "2021-04-30", "2026-04-23"},
		{"yakkety", "16.10", "2017-07-20", ""},
		{"zesty", "17.04", "2018-01-13", ""},
		{"artful", "17.10", "2018-07-19", ""},
		{"bionic", "18.04", "2023-05-31", "2028-04-26"},
		{"cosmic", "18.10", "2019-07-18", ""},
		{"disco", "19.04", "2020-01-23", ""},
		{"eoan", "19.10", "2020-07-17", ""},
		{"focal", "20.04", "2025-05-29", "2030-04-23"},
		{"groovy", "20.10", "2021-07-22", ""},
		{"hirsute", "21.04", "2022-01-20", ""},
		{"impish", "21.10", "2022-07-14", ""},
		{"jammy", "22.04", "2027-06-01", "2032-04-21"},
		{"kinetic", "22.10", "2023-07-20", ""},
		{"lunar", "23.04", "2024-01-25", ""},
		{"mantic", "23.10", "2024-07-11", ""},
		{"noble", "24.04", "2029-05-31", "2034-04-25"},
		{"oracular", "24.10", "2025-07-10", ""},
		{"plucky", "25.04", "2026-01-15", ""},
		{"questing", "25.10", "2026-07-09", ""},
		{"resolute", "26.04", "2031-05-29", "2036-04-23"},
		{"stonking", "26.10", "2027-07-15", ""},
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

// isNumber tells whether s is of the form of a release: year and month.
func isNumber(s string) bool {
	year, month, ok := strings.Cut(s, ".")
	return ok && year != "" && len(year) <= 2 && len(month) == 2 && strings.Trim(year+month, "0123456789") == ""
}

// lifecycle tells the last days of updates of a release; false for one that is
// newer than the table.
func lifecycle(number string) (distro.Lifecycle, bool) {
	for _, r := range releases() {
		if r.number != number {
			continue
		}
		l := distro.Lifecycle{End: day(r.end)}
		if r.pro != "" {
			l.Extended, l.ExtendedName = day(r.pro), "Ubuntu Pro"
		}
		return l, true
	}
	return distro.Lifecycle{}, false
}

// day reads a day of the table; zero if there is none.
func day(s string) time.Time {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return time.Time{}
	}
	return t
}
