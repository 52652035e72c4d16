package render

import (
	"strings"

	"github.com/github/go-spdx/v2/spdxexp"
)

// maxExpression is the size in bytes above which a licence is taken for a text:
// the parser of expressions goes as deep as their brackets do.
const maxExpression = 500

// Licenses tells licence expressions of SPDX from other words for a licence. It
// remembers its answers: many packages share few licences. The zero value is
// ready.
type Licenses struct{ known map[string]bool }

// IsExpression reports whether a package's licence is an expression of SPDX
// whose licences are all on its list.
func (l *Licenses) IsExpression(license string) bool {
	if license == "" || len(license) > maxExpression {
		return false
	}
	// Fedora's packages have them. What they refer to is in no document of ours.
	if strings.Contains(strings.ToLower(license), "licenseref-") {
		return false
	}
	valid, ok := l.known[license]
	if !ok {
		valid = isExpression(license)
		if l.known == nil {
			l.known = map[string]bool{}
		}
		l.known[license] = valid
	}
	return valid
}

// isExpression asks the library. Its parser panics on some texts that end too
// soon, such as "(": those are no expressions.
func isExpression(license string) (valid bool) {
	defer func() {
		if recover() != nil {
			valid = false
		}
	}()
	valid, _ = spdxexp.ValidateLicenses([]string{license})
	return valid
}
