package redhat

import "github.com/example/microscanner-frontend/scanner/advisory"

// WithoutELS adds what holds for images that do not get the updates of the
// Extended Life-cycle Support of their release. What has the vulnerability with
// these updates has it without; what they have fixed stays as it is without. A
// package of which a document says something on the base product, or extras, is
// left alone.
func WithoutELS(statements []Statement) []Statement {
	said := map[subject]bool{}
	for i := range statements {
		if s := &statements[i]; s.Stream == StreamBase || s.Stream == StreamExtras {
			said[s.subject()] = true
		}
	}
	for _, s := range statements {
		if s.Stream != StreamELS || said[s.subject()] {
			continue
		}
		if s.Status == advisory.StatusFixed {
			s.Status, s.Fixed, s.Advisories, s.Day = advisory.StatusEndOfLife, "", nil, ""
		}
		s.Platform = rhel(s.Release, StreamBase, "enterprise_linux:"+s.Release)
		s.Arch = ""
		statements = append(statements, s)
	}
	return statements
}
