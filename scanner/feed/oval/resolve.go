package oval

import "fmt"

// test, entity are as they are kept: the strings by their ids.
type test struct {
	kind, existence, object id
	states                  []id
}

type entity struct {
	name, operation, value, variable id
}

func (d *Document) text(i id) string { return d.strings[i] }

// Comment is what the document says of a criterion for people; empty unless
// Options.Comments was set.
func (d *Document) Comment(c Criterion) string { return d.text(c.comment) }

// Ref is the id of the test that a criterion refers to.
func (d *Document) Ref(c Criterion) string { return d.text(c.ref) }

// Test finds what a criterion asks for. It is an error if the document does
// not have all of it.
func (d *Document) Test(c Criterion) (Test, error) {
	raw, ok := d.tests[c.ref]
	if !ok {
		return Test{}, fmt.Errorf("there is no test %q", d.text(c.ref))
	}
	t := Test{Kind: d.text(raw.kind), Existence: d.text(raw.existence)}
	object, ok := d.objects[raw.object]
	if !ok && raw.object != 0 {
		return Test{}, fmt.Errorf("the test %q refers to the object %q, which is not there", d.text(c.ref), d.text(raw.object))
	}
	t.Object = d.entities(object)
	for _, ref := range raw.states {
		state, ok := d.states[ref]
		if !ok {
			return Test{}, fmt.Errorf("the test %q refers to the state %q, which is not there", d.text(c.ref), d.text(ref))
		}
		t.States = append(t.States, d.entities(state))
	}
	return t, nil
}

func (d *Document) entities(raw []entity) Entities {
	out := make(Entities, len(raw))
	for i, e := range raw {
		out[i] = Entity{Name: d.text(e.name), Operation: d.text(e.operation)}
		if e.variable == 0 {
			out[i].Values = []string{d.text(e.value)}
			continue
		}
		for _, value := range d.variables[e.variable] {
			out[i].Values = append(out[i].Values, d.text(value))
		}
	}
	return out
}
