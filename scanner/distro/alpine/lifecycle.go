package alpine

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/example/microscanner-frontend/scanner/distro"
)

// lifecycle tells the last day of a branch's support, about two years after its
// release (https://alpinelinux.org/releases/).
func lifecycle(release string) (distro.Lifecycle, bool) {
	day, ok := map[string]string{
		"3.0": "2016-05-01", "3.1": "2016-11-01", "3.2": "2017-05-01", "3.3": "2017-11-01",
		"3.4": "2018-05-01", "3.5": "2018-11-01", "3.6": "2019-05-01", "3.7": "2019-11-01",
		"3.8": "2020-05-01", "3.9": "2020-11-01", "3.10": "2021-05-01", "3.11": "2021-11-01",
		"3.12": "2022-05-01", "3.13": "2022-11-01", "3.14": "2023-05-01", "3.15": "2023-11-01",
		"3.16": "2024-05-23", "3.17": "2024-11-22", "3.18": "2025-05-09", "3.19": "2025-11-01",
		"3.20": "2026-04-01", "3.21": "2026-11-01", "3.22": "2027-05-01", "3.23": "2027-11-01",
	}[release]
	if !ok {
		return distro.Lifecycle{}, release == releaseEdge
	}
	end, err := time.Parse(time.DateOnly, day)
	return distro.Lifecycle{End: end}, err == nil
}

// compareBranches orders branches by their numbers: 3.9 before 3.10.
func compareBranches(a, b string) int {
	return slices.Compare(numbers(a), numbers(b))
}

// numbers are those between the dots; what is none counts as zero.
func numbers(branch string) []int {
	var out []int
	for part := range strings.SplitSeq(branch, ".") {
		n, err := strconv.Atoi(part)
		if err != nil {
			n = 0
		}
		out = append(out, n)
	}
	return out
}
