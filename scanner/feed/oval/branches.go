package oval

import (
	"errors"
	"fmt"
	"slices"
)

// Limits of what is made of a definition, of its parts too. The largest real
// ones have some thousand packages for some ten products, and a handful of facts
// in a branch.
const (
	maxBranches = 1_000_000
	maxFacts    = 5_000_000 // in all branches together
)

// Verdict says what a criterion contributes to a branch.
type Verdict int

const (
	// Keep takes the fact into the branch.
	Keep Verdict = iota
	// True leaves the branch as it is: that a package is signed with a key.
	True
	// False drops the branch: it is about a product that is of no interest.
	False
)

// Branches gives the ways in which criteria can hold, each as the facts that
// must all be true: what stands above a package, or beside it, is carried down
// to it. leaf reads a criterion. An error means that the criteria are of a form
// that no vendor uses, or are too many, or is one of leaf.
func Branches[T any](c Criteria, leaf func(Criterion) (T, Verdict, error)) ([][]T, error) {
	b := brancher[T]{leaf: leaf, left: maxBranches, leftFacts: maxFacts}
	return b.criteria(c)
}

type brancher[T any] struct {
	leaf func(Criterion) (T, Verdict, error)
	// left and leftFacts are how many branches, and facts in them, may be made.
	left, leftFacts int
}

func (b *brancher[T]) criteria(c Criteria) ([][]T, error) {
	switch {
	case c.Negate:
		return nil, errors.New("negated criteria cannot be understood")
	case len(c.Extends) > 0:
		return nil, errors.New("criteria that refer to another definition cannot be understood")
	case c.Operator != And && c.Operator != Or:
		return nil, fmt.Errorf("criteria with the operator %.64q cannot be understood", c.Operator)
	}
	combine := b.both
	branches := [][]T{nil} // An empty And holds, in one way.
	if c.Operator == Or {
		combine, branches = b.either, nil
	}
	for _, criterion := range c.Criterions {
		more, err := b.criterion(criterion)
		if err != nil {
			return nil, err
		}
		if branches, err = combine(branches, more); err != nil {
			return nil, err
		}
	}
	for _, part := range c.Criteria {
		more, err := b.criteria(part)
		if err != nil {
			return nil, err
		}
		if branches, err = combine(branches, more); err != nil {
			return nil, err
		}
	}
	return branches, nil
}

func (b *brancher[T]) criterion(c Criterion) ([][]T, error) {
	fact, verdict, err := b.leaf(c)
	switch {
	case err != nil || verdict == False:
		return nil, err
	case verdict == True:
		return [][]T{nil}, nil
	}
	return [][]T{{fact}}, nil
}

// either gives the ways in which x or y holds.
func (b *brancher[T]) either(x, y [][]T) ([][]T, error) {
	return append(x, y...), b.take(len(y))
}

// both gives the ways in which x and y hold.
func (b *brancher[T]) both(x, y [][]T) ([][]T, error) {
	if err := b.take(len(x) * len(y)); err != nil {
		return nil, err
	}
	// Each of x is written once for each of y, and the other way round.
	if b.leftFacts -= facts(x)*len(y) + facts(y)*len(x); b.leftFacts < 0 {
		return nil, fmt.Errorf("its criteria repeat more than %d facts", maxFacts)
	}
	out := make([][]T, 0, len(x)*len(y))
	for _, p := range x {
		for _, q := range y {
			out = append(out, slices.Concat(p, q))
		}
	}
	return out, nil
}

// facts counts the facts in branches.
func facts[T any](branches [][]T) int {
	n := 0
	for _, branch := range branches {
		n += len(branch)
	}
	return n
}

func (b *brancher[T]) take(n int) error {
	if b.left -= n; b.left < 0 {
		return fmt.Errorf("its criteria can hold in more than %d ways", maxBranches)
	}
	return nil
}
