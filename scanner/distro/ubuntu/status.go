package ubuntu

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/version"
)

// statement is what Ubuntu says of a vulnerability in a source package of a
// release. The zero value says nothing.
type statement struct {
	status advisory.Status
	fixed  string // with StatusFixed and StatusNeedsPro
}

// judge reads a status of the CVE tracker, and the note in parentheses behind
// it (https://git.launchpad.net/ubuntu-cve-tracker/tree/README, "Statuses").
func judge(word, note string) (statement, error) {
	switch word {
	case "released":
		return judgeReleased(note)
	case "needed", "pending", "active", "in-progress":
		// What is pending has a version that nobody can install yet.
		return statement{status: advisory.StatusAffected}, nil
	case "deferred":
		return statement{status: advisory.StatusDeferred}, nil
	case "needs-triage":
		return statement{status: advisory.StatusUnderInvestigation}, nil
	case "not-affected":
		return statement{status: advisory.StatusNotAffected}, nil
	case "ignored":
		return judgeIgnored(note), nil
	case "DNE", "dne":
		return statement{}, nil
	}
	return statement{}, fmt.Errorf("the status %.64q is not known", word)
}

func judgeReleased(note string) (statement, error) {
	for word := range strings.FieldsSeq(note) {
		if fixed := strings.Trim(word, ",;"); fixed != "" && fixed[0] >= '0' && fixed[0] <= '9' {
			return statement{advisory.StatusFixed, fixed}, nil
		}
		break
	}
	return statement{}, errors.New("released without a version")
}

// wasStatus finds the status before it was ignored: "was needed now
// end-of-life", "end of standard support, was needed".
var wasStatus = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\bwas (needs-triage|needed|pending|deferred|active|in-progress|not-affected)\b`)
})

// judgeIgnored reads why a vulnerability is ignored. Most notes say that nobody
// will look, and nothing of whether the package has the vulnerability: these
// say nothing here either.
func judgeIgnored(note string) statement {
	note = strings.ToLower(note)
	m := wasStatus().FindStringSubmatch(note)
	if m == nil {
		if strings.Contains(note, "intrusive") { // to fix
			return statement{status: advisory.StatusWillNotFix}
		}
		return statement{}
	}
	switch m[1] {
	case "not-affected":
		return statement{status: advisory.StatusNotAffected}
	case "needs-triage":
		return statement{status: advisory.StatusUnderInvestigation}
	}
	for _, end := range []string{"end of life", "end-of-life", "standard support"} {
		if strings.Contains(note, end) {
			return statement{status: advisory.StatusEndOfLife}
		}
	}
	return statement{status: advisory.StatusWillNotFix}
}

// pair is what is said of a package in a release as everybody has it, and with
// the updates of Ubuntu Pro (Expanded Security Maintenance).
type pair struct {
	base, pro statement
	ended     statement // what was known when the updates for everybody ended
}

// addPro adds a statement on the package with Ubuntu Pro. There can be several,
// of its parts: infra, apps, and what came before them.
func (p *pair) addPro(s statement) {
	switch {
	case s.status == advisory.StatusFixed && p.pro.status == advisory.StatusFixed:
		if order, err := version.Deb.Compare(s.fixed, p.pro.fixed); err == nil && order > 0 {
			p.pro = s
		}
	case s.status == advisory.StatusFixed, p.pro.status == "", p.pro.status == advisory.StatusNotAffected && s.status != "":
		p.pro = s
	}
}

// resolve gives the one statement that both are. A fix for everybody stands,
// whatever Ubuntu Pro has; a fix of Ubuntu Pro needs a subscription.
func (p pair) resolve() statement {
	if p.base.status == "" {
		p.base = p.ended
	}
	switch p.base.status {
	case advisory.StatusFixed, advisory.StatusNotAffected:
		return p.base
	}
	switch p.pro.status {
	case advisory.StatusFixed:
		return statement{advisory.StatusNeedsPro, p.pro.fixed}
	case advisory.StatusNotAffected:
		// It was found out after the end of standard support, unless the row
		// for everybody is still an open one.
		if p.base.status != advisory.StatusAffected && p.base.status != advisory.StatusDeferred {
			return p.pro
		}
	case advisory.StatusAffected, advisory.StatusDeferred:
		if p.base.status == advisory.StatusUnderInvestigation {
			return p.pro
		}
	}
	if p.base.status == "" {
		return p.pro
	}
	return p.base
}
