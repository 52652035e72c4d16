package suse

import (
	"time"

	"github.com/example/microscanner-frontend/scanner/distro"
)

// lifecycle has the ends of general support and of long-term support
// (https://www.suse.com/lifecycle, https://en.opensuse.org/Lifetime). Where SUSE
// Linux Enterprise and openSUSE Leap share a number, the dates are those of the
// former; they differ by some months at most.
func lifecycle(release string) (distro.Lifecycle, bool) {
	days := map[string][2]string{
		"11.4": {"2019-03-31", "2022-03-31"},
		"12.0": {"2016-06-30", "2019-07-01"},
		"12.1": {"2017-05-31", "2020-05-31"},
		"12.2": {"2018-03-31", "2021-03-31"},
		"12.3": {"2019-06-30", "2022-06-30"},
		"12.4": {"2020-06-30", "2023-06-30"},
		"12.5": {"2024-10-31", "2027-10-31"},
		"13.2": {"2017-01-17", ""},
		"15.0": {"2019-12-31", "2022-12-31"},
		"15.1": {"2021-01-31", "2024-01-31"},
		"15.2": {"2021-12-31", "2024-12-31"},
		"15.3": {"2022-12-31", "2025-12-31"},
		"15.4": {"2023-12-31", "2026-12-31"},
		"15.5": {"2024-12-31", "2027-12-31"},
		"15.6": {"2025-12-31", "2028-12-31"},
		"15.7": {"2031-07-31", "2034-07-31"},
		"16.0": {},
		"42.1": {"2017-05-17", ""},
		"42.2": {"2018-01-26", ""},
		"42.3": {"2019-06-30", ""},
		"5.0":  {"2022-03-31", ""},
		"5.1":  {"2025-10-31", ""},
		"5.2":  {"2026-04-30", ""},
		"5.3":  {"2026-10-30", ""},
		"5.4":  {"2027-04-30", ""},
		"5.5":  {"2027-10-31", ""},
		"6.0":  {},
		"6.1":  {},
		"6.2":  {},

		string(tumbleweed): {},
	}
	ends, ok := days[release]
	l := distro.Lifecycle{End: day(ends[0]), Extended: day(ends[1])}
	if ends[1] != "" {
		l.ExtendedName = "SUSE Long Term Service Pack Support"
	}
	return l, ok
}

// day reads a date of the table; zero if it has none.
func day(s string) time.Time {
	t, _ := time.Parse(time.DateOnly, s)
	return t
}
