package advisory

import "fmt"

// Normalize writes the id as NormalizeID has it.
func (f *Facts) Normalize() { f.ID = NormalizeID(f.ID) }

// Validate tells what is wrong with facts. The error names the field and what
// it may hold.
func (f *Facts) Validate() error {
	if err := word("id", f.ID); err != nil {
		return err
	}
	if len(f.CVSS) > MaxList {
		return fmt.Errorf("cvss has %d entries, more than %d", len(f.CVSS), MaxList)
	}
	for i := range f.CVSS {
		if err := f.CVSS[i].Validate(); err != nil {
			return err
		}
	}
	if err := description(f.Description); err != nil {
		return err
	}
	for _, day := range []struct{ field, value string }{
		{"published", f.Published}, {"modified", f.Modified}, {"exploited", f.Exploited},
	} {
		if err := date(day.field, day.value); err != nil {
			return err
		}
	}
	if f.EPSS != nil {
		return f.EPSS.Validate()
	}
	return nil
}

// Validate tells what is wrong with a rating.
func (e *EPSS) Validate() error {
	// Written so that NaN is refused too.
	if !(e.Score >= 0 && e.Score <= 1) {
		return fmt.Errorf("epss score %v is not between 0 and 1", e.Score)
	}
	if !(e.Percentile >= 0 && e.Percentile <= 1) {
		return fmt.Errorf("epss percentile %v is not between 0 and 1", e.Percentile)
	}
	return date("epss date", e.Date)
}
