package policy

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// warnAge is the age of a database from which on a scan says how old it is.
const warnAge = 7 * day

const day = 24 * time.Hour

// ParseAge reads an age as KeyMaxDBAge has it: "none", which is 0, days such as
// "7d", or a duration such as "36h". It is false for a value that is none of
// these.
func ParseAge(value string) (time.Duration, bool) { return parseAge(value, 0) }

// parseAge gives old for a value that is no age.
func parseAge(value string, old time.Duration) (time.Duration, bool) {
	value = strings.ToLower(strings.TrimSpace(value))
	if value == none {
		return 0, true
	}
	if days, ok := strings.CutSuffix(value, "d"); ok {
		n, err := strconv.Atoi(days)
		if err != nil || n <= 0 || n > 36500 {
			return old, false
		}
		return time.Duration(n) * day, true
	}
	d, err := time.ParseDuration(value)
	if err != nil || d < time.Minute {
		return old, false
	}
	return d, true
}

// FormatAge writes an age as ParseAge reads it.
func FormatAge(d time.Duration) string {
	switch {
	case d == 0:
		return none
	case d%day == 0:
		return fmt.Sprintf("%dd", d/day)
	case d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	}
	return d.String()
}

// Age is how old the oldest part of an advisory database is.
type Age struct {
	Age time.Duration `json:"nanoseconds"` // 0 if there is no database
	// Feed is the part that is older than the rest; empty if all are of one age.
	Feed string `json:"feed,omitempty"`
}

// Old says, in one sentence, how old a database is; empty for one that is young
// enough to go without saying.
func (a Age) Old() string {
	if a.Age < warnAge {
		return ""
	}
	return fmt.Sprintf("%s is %d days old and knows nothing newer", a.subject(), a.Age/day)
}

func (a Age) subject() string {
	if a.Feed == "" {
		return "the advisory database"
	}
	return fmt.Sprintf("the feed %s in the advisory database", a.Feed)
}

// tooOld is the error of a database above the age that the policy allows, or
// empty. One from the future, by more than clocks differ, has no known age.
func (p Policy) tooOld(a Age) string {
	switch {
	case p.MaxDBAge == 0:
		return ""
	case a.Age < -day:
		return fmt.Sprintf("%s is dated %s in the future, so %s=%s cannot tell its age; set this machine's clock, or fetch another one",
			a.subject(), AgeText(-a.Age), KeyMaxDBAge, FormatAge(p.MaxDBAge))
	case a.Age <= p.MaxDBAge:
		return ""
	}
	return fmt.Sprintf("%s is %s old, which is more than %s=%s allows; fetch a newer one",
		a.subject(), AgeText(a.Age), KeyMaxDBAge, FormatAge(p.MaxDBAge))
}

// AgeText is an age for people.
func AgeText(age time.Duration) string {
	switch {
	case age >= 2*day:
		return fmt.Sprintf("%d days", age/day)
	case age >= 2*time.Hour:
		return fmt.Sprintf("%d hours", age/time.Hour)
	}
	return fmt.Sprintf("%d minutes", age/time.Minute)
}
