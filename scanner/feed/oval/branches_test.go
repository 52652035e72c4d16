package oval_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/feed/oval"
)

// branches gives the branches of criteria, whose test ids are the facts:
// "signed" is always true, "other" is of no interest.
func branches(t *testing.T, criteria string) ([]string, error) {
	t.Helper()
	doc := read(t, "<oval_definitions><definitions><definition>"+criteria+"</definition></definitions></oval_definitions>", oval.Options{})
	got, err := oval.Branches(doc.Definitions[0].Criteria, func(c oval.Criterion) (string, oval.Verdict, error) {
		switch ref := doc.Ref(c); ref {
		case "signed":
			return "", oval.True, nil
		case "other":
			return "", oval.False, nil
		case "broken":
			return "", oval.Keep, errors.New("broken")
		default:
			return ref, oval.Keep, nil
		}
	})
	out := []string{}
	for _, branch := range got {
		out = append(out, strings.Join(branch, " "))
	}
	return out, err
}

// A condition reaches all packages beside and below it, and no others, whether
// it comes before or after them.
func TestTrap19ConditionsAreCarriedDownwards(t *testing.T) {
	got, err := branches(t, `<criteria operator="OR">
		<criteria operator="AND"><criterion test_ref="os8"/>
			<criteria operator="OR">
				<criteria operator="AND"><criterion test_ref="x86_64"/>
					<criteria operator="OR">
						<criteria><criterion test_ref="a&lt;1"/><criterion test_ref="signed"/></criteria>
						<criteria><criterion test_ref="b&lt;1"/><criterion test_ref="signed"/></criteria>
					</criteria>
				</criteria>
				<criteria operator="AND">
					<criteria operator="OR"><criterion test_ref="a&lt;2"/></criteria>
					<criteria operator="AND"><criterion test_ref="module"/></criteria>
					<criterion test_ref="aarch64"/>
				</criteria>
			</criteria>
		</criteria>
		<criteria operator="AND"><criteria operator="OR"><criterion test_ref="os9"/><criterion test_ref="other"/><criterion test_ref="os10"/></criteria>
			<criterion test_ref="a&lt;3"/>
		</criteria>
		<criteria operator="AND"><criterion test_ref="other"/><criterion test_ref="a&lt;4"/></criteria>
	</criteria>`)
	require.NoError(t, err)
	assert.Equal(t, []string{
		"os8 x86_64 a<1", "os8 x86_64 b<1", "os8 aarch64 a<2 module", "a<3 os9", "a<3 os10",
	}, got)
}

func TestCriteriaThatCannotBeUnderstood(t *testing.T) {
	many := `<criteria operator="OR">` + strings.Repeat(`<criterion test_ref="x"/>`, 1001) + `</criteria>`
	for criteria, want := range map[string]string{
		`<criteria negate="true"/>`:                                                "negated criteria cannot be understood",
		`<criteria><criteria operator="ONE"/></criteria>`:                          `criteria with the operator "ONE" cannot be understood`,
		`<criteria><extend_definition definition_ref="x"/></criteria>`:             "criteria that refer to another definition",
		`<criteria><criterion test_ref="broken"/></criteria>`:                      "broken",
		`<criteria><criteria><criterion test_ref="broken"/></criteria></criteria>`: "broken",
		`<criteria>` + many + many + `</criteria>`:                                 "in more than 1000000 ways",
	} {
		_, err := branches(t, criteria)
		assert.ErrorContains(t, err, want)
	}
	// A few branches of very many facts are too much as well.
	long := strings.Repeat(`<criterion test_ref="x"/>`, 2500)
	_, err := branches(t, `<criteria>`+long+`<criteria operator="OR">`+long+`</criteria></criteria>`)
	require.ErrorContains(t, err, "its criteria repeat more than 5000000 facts")
	got, err := branches(t, `<criteria/>`)
	require.NoError(t, err)
	assert.Equal(t, []string{""}, got)
	// A definition without criteria says nothing.
	_, err = branches(t, ``)
	assert.Error(t, err)
}
