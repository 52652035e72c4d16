package version

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
)

// maxDebEpoch is dpkg's own limit, the largest C int.
const maxDebEpoch = "2147483647"

// parseDeb reads a version as dpkg's parseversion does. What dpkg only warns of
// is accepted; see Deb.
func parseDeb(text string) (parts, error) {
	for _, r := range text {
		if r <= ' ' || r > '~' {
			return parts{}, fmt.Errorf("the character %q is not allowed", r)
		}
	}
	epoch, rest, hasEpoch := strings.Cut(text, ":")
	if !hasEpoch {
		epoch, rest = "", text
	}
	v := splitRelease(epoch, rest)
	switch {
	case hasEpoch && epoch == "":
		return parts{}, errors.New("nothing stands before the colon")
	case digits(epoch) != epoch:
		return parts{}, errors.New("the epoch, before the colon, is not a number")
	case compareNumbers(epoch, maxDebEpoch) > 0:
		return parts{}, errors.New("the epoch, before the colon, is larger than " + maxDebEpoch)
	case v.version == "":
		return parts{}, errors.New("it has no upstream version")
	case v.hasRelease && v.release == "":
		return parts{}, errors.New("nothing follows the last dash")
	}
	return v, nil
}

// compareDeb compares epoch, upstream version and revision. A missing revision
// is equal to 0.
func compareDeb(a, b parts) int {
	if c := compareNumbers(a.epoch, b.epoch); c != 0 {
		return c
	}
	if c := compareDebPart(a.version, b.version); c != 0 {
		return c
	}
	return compareDebPart(a.release, b.release)
}

// compareDebPart compares two strings of alternating non-digits and digits.
func compareDebPart(a, b string) int {
	for a != "" || b != "" {
		i := 0
		for {
			wa, wb := debWeight(a, i), debWeight(b, i)
			if wa != wb {
				return cmp.Compare(wa, wb)
			}
			if wa == 0 { // both runs of non-digits end here
				break
			}
			i++
		}
		a, b = a[i:], b[i:]

		na, nb := digits(a), digits(b)
		if c := compareNumbers(na, nb); c != 0 {
			return c
		}
		a, b = a[len(na):], b[len(nb):]
	}
	return 0
}

// debWeight returns the place of s[i] in the order of non-digits: a tilde, the
// end of the run of non-digits, letters, all others.
func debWeight(s string, i int) int {
	switch {
	case i >= len(s) || isDigit(s[i]):
		return 0
	case s[i] == '~':
		return -1
	case isLetter(s[i]):
		return int(s[i])
	default:
		return int(s[i]) + 256 // behind every letter
	}
}
