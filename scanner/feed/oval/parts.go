package oval

import (
	"cmp"
	"encoding/xml"
	"strings"
)

// test reads a test of any kind: its element is called after the kind.
func (r *reader) test(e xml.StartElement) error {
	kind, ok := strings.CutSuffix(e.Name.Local, "_test")
	if !ok {
		return nil
	}
	var t test
	key, err := r.keep(attr(e, "id"))
	if err != nil {
		return err
	}
	if t.kind, err = r.keep(kind); err != nil {
		return err
	}
	if t.existence, err = r.keep(attr(e, "check_existence")); err != nil {
		return err
	}
	err = r.children(func(e xml.StartElement) (err error) {
		switch e.Name.Local {
		case "object":
			t.object, err = r.keep(attr(e, "object_ref"))
		case "state":
			var state id
			state, err = r.keep(attr(e, "state_ref"))
			t.states = append(t.states, state)
			return cmp.Or(err, r.take(sizeID))
		}
		return err
	})
	if err != nil {
		return err
	}
	r.doc.tests[key] = t
	return r.take(sizeEntry)
}

// entities reads an object or a state into the list of them. What a set or a
// filter inside it says is passed over: no vendor uses them for packages.
func (r *reader) entities(e xml.StartElement, to map[id][]entity) error {
	key, err := r.keep(attr(e, "id"))
	if err != nil {
		return err
	}
	var list []entity
	err = r.children(func(e xml.StartElement) error {
		one, err := r.entity(e)
		list = append(list, one)
		return cmp.Or(err, r.take(2*sizeEntity))
	})
	if err != nil {
		return err
	}
	to[key] = exact(list)
	return r.take(sizeEntry)
}

func (r *reader) entity(e xml.StartElement) (out entity, err error) {
	if out.name, err = r.keep(e.Name.Local); err != nil {
		return out, err
	}
	if out.operation, err = r.keep(cmp.Or(attr(e, "operation"), Equals)); err != nil {
		return out, err
	}
	if out.variable, err = r.keep(attr(e, "var_ref")); err != nil {
		return out, err
	}
	text, err := r.text(maxText)
	if err != nil {
		return out, err
	}
	out.value, err = r.keep(text)
	return out, err
}

// variable reads a constant variable. The others are made of what is found on a
// system.
func (r *reader) variable(e xml.StartElement) error {
	if e.Name.Local != "constant_variable" {
		return nil
	}
	key, err := r.keep(attr(e, "id"))
	if err != nil {
		return err
	}
	var values []id
	err = r.children(func(e xml.StartElement) error {
		if e.Name.Local != "value" {
			return nil
		}
		text, err := r.text(maxText)
		if err != nil {
			return err
		}
		value, err := r.keep(text)
		values = append(values, value)
		return cmp.Or(err, r.take(sizeID))
	})
	if err != nil {
		return err
	}
	r.doc.variables[key] = exact(values)
	return r.take(sizeEntry)
}
