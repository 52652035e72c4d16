package report

import (
	"strings"
	"unicode/utf8"

	"github.com/example/microscanner-frontend/scanner/policy"
)

// MaxInstruction is how many bytes of an instruction's text a report holds.
const MaxInstruction = 500

// Step is a step on the way to a rootfs, as microscanner blame reads it.
type Step struct {
	// Before is the directory of the rootfs before the step; empty if that was
	// empty too, or is not known.
	Before string       `json:"before,omitempty"`
	By     IntroducedBy `json:"by"`
}

// CutInstruction is the text of an instruction in one line, at most
// MaxInstruction bytes long. An ellipsis stands for what was cut off.
func CutInstruction(text string) string {
	const ellipsis = "…"
	if len(text) > MaxInstruction*4 {
		text = text[:MaxInstruction*4]
	}
	text = strings.ToValidUTF8(strings.Join(strings.Fields(text), " "), "")
	if len(text) <= MaxInstruction {
		return text
	}
	end := MaxInstruction - len(ellipsis)
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + ellipsis
}

// Rejudge judges a report under its own policy again, after something was
// learned of its findings. The error is a policy that cannot be read.
func (r *Report) Rejudge() error {
	p, err := r.policy()
	if err != nil {
		return err
	}
	r.Judge(p)
	return nil
}

// policy is the report's own. A report also states settings that are none of
// the gate's.
func (r *Report) policy() (policy.Policy, error) {
	p := policy.Default()
	for key, v := range r.Policy {
		if policy.Allowed(key) == nil {
			continue
		}
		if err := p.Set(key, v.Value, v.From); err != nil {
			return p, err
		}
	}
	return p, nil
}
