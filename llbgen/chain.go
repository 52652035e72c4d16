package llbgen

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
)

// Step is an operation on the way to a rootfs: the base image that it starts
// from, or something that changed its files.
type Step struct {
	// State is the rootfs after the step.
	State llb.State
	// Image and Digest are those of the base image, where the step is one:
	// "docker.io/library/debian:12" and "sha256:…", the digest empty if it is
	// not pinned.
	Image, Digest string
	// Name is the operation's name in the build's progress, and Command the
	// instruction that it was made from; either may be empty.
	Name, Command string
	// Locations are the places of the instruction in the build's sources. There
	// are several where equal instructions gave one operation, and may be none.
	Locations []Location
}

// Location is a place in a source of the build: in a Dockerfile, mostly.
type Location struct {
	Source *pb.SourceInfo
	Ranges []*pb.Range
}

// MaxSteps is how many steps a chain may have. A Dockerfile's image has at most
// some hundred layers.
const MaxSteps = 1000

// Keys of an operation's description.
const (
	descriptionName    = "llb.customname"
	descriptionCommand = "com.docker.dockerfile.v1.command"
)

// Chain lists the steps that led to the rootfs which a definition ends in, the
// first one first: the operations that one leads to the next by the rootfs that
// they change. What they only read from, such as the stage of a COPY --from, is
// on no chain. An operation that only makes directories is no step, as no
// package comes with one. The rootfs before the first step is empty, unless that
// is a base image.
//
// An error means that the definition is broken, or longer than MaxSteps.
func Chain(def *pb.Definition) ([]Step, error) {
	w, err := newWalker(def)
	if err != nil {
		return nil, err
	}
	last := w.ops[w.last]
	if last == nil { // of an empty rootfs
		return nil, nil
	}
	vertex, err := llb.NewDefinitionOp(&pb.Definition{Def: def.Def, Metadata: w.metadata})
	if err != nil {
		return nil, fmt.Errorf("read the definition: %w", err)
	}
	if err := w.walk(edge{last.Inputs[0], vertex.Output()}); err != nil {
		return nil, err
	}
	slices.Reverse(w.steps)
	return w.steps, nil
}

// edge is one output of an operation.
type edge struct {
	*pb.Input
	output llb.Output
}

// walker goes from the end of a definition to its start.
type walker struct {
	source   *pb.Source
	metadata map[string]*pb.OpMetadata
	ops      map[string]*pb.Op
	last     string // the digest of the definition's end
	steps    []Step // the last one first
}

// maxOutputs is above all numbers of outputs that an operation has.
const maxOutputs = 1 << 10

var errBroken = errors.New("the definition of the rootfs is broken")

func errTooLong() error { return fmt.Errorf("the rootfs has more than %d steps", MaxSteps) }

// newWalker reads the operations of a definition, and checks what everything
// else relies on: that each input exists. Nothing can be its own input, as its
// name is its digest.
func newWalker(def *pb.Definition) (*walker, error) {
	w := &walker{source: def.GetSource(), metadata: map[string]*pb.OpMetadata{}, ops: make(map[string]*pb.Op, len(def.GetDef()))}
	for _, dt := range def.GetDef() {
		var op pb.Op
		if err := op.UnmarshalVT(dt); err != nil {
			return nil, fmt.Errorf("%w: %w", errBroken, err)
		}
		for _, in := range op.Inputs {
			if w.ops[in.GetDigest()] == nil || in.Index < 0 || in.Index >= maxOutputs {
				return nil, errBroken
			}
		}
		w.last = digest.FromBytes(dt).String()
		w.ops[w.last] = &op
		w.metadata[w.last] = &pb.OpMetadata{}
		if m := def.Metadata[w.last]; m != nil {
			w.metadata[w.last] = m
		}
	}
	if w.last != "" && len(w.ops[w.last].Inputs) != 1 {
		return nil, errBroken
	}
	return w, nil
}

// walk adds the steps that end in e.
func (w *walker) walk(e edge) error {
	for {
		if len(w.steps) >= MaxSteps {
			return errTooLong()
		}
		before, err := w.step(e)
		if err != nil || before < 0 {
			return err
		}
		if e, err = pick(w.inputs(e), before); err != nil {
			return err
		}
	}
}

// step adds the steps of one operation, and returns the number of the input
// that is the rootfs before it; a negative number if there is none.
func (w *walker) step(e edge) (before int64, err error) {
	op := w.ops[e.Digest]
	switch {
	case op.GetExec() != nil:
		m := outputMount(op.GetExec().Mounts, e.Index)
		if m == nil {
			return 0, errBroken
		}
		if m.MountType == pb.MountType_BIND { // what is put into a cache stays there
			w.add(e)
		}
		return m.Input, nil
	case op.GetFile() != nil:
		before, changes, err := beforeActions(op.GetFile().Actions, int64(len(op.Inputs)), e.Index)
		if changes {
			w.add(e)
		}
		return before, err
	case op.GetMerge() != nil:
		return w.merge(e, op.GetMerge().Inputs)
	case op.GetPassthrough() != nil:
		outputs := op.GetPassthrough().Outputs
		if e.Index >= int64(len(outputs)) || outputs[e.Index] < 0 {
			return 0, errBroken
		}
		return outputs[e.Index], nil
	}
	w.add(e)
	return -1, nil
}

// outputMount is the mount that the n-th output is of; nil if there is none.
// BuildKit counts the mounts that have an output, and does not look at the number
// that each has for it. A cache has one only if something is below it.
func outputMount(mounts []*pb.Mount, n int64) *pb.Mount {
	for _, m := range mounts {
		bind := m.MountType == pb.MountType_BIND
		cache := m.MountType == pb.MountType_CACHE && m.Input >= 0
		if m.Output == int64(pb.SkipOutput) || !bind && !cache {
			continue
		}
		if n == 0 {
			return m
		}
		n--
	}
	return nil
}

// beforeActions follows the actions of a file operation from its output to the
// input that they start from, and tells whether any of them can change what is
// in a file. Inputs from the number of the operation's own on are other actions.
func beforeActions(actions []*pb.FileAction, inputs, output int64) (before int64, changes bool, err error) {
	at := int64(slices.IndexFunc(actions, func(a *pb.FileAction) bool { return a.Output >= 0 && a.Output == output }))
	for range actions { // more of them would be a circle
		if at < 0 || at >= int64(len(actions)) {
			break
		}
		a := actions[at]
		changes = changes || a.GetMkdir() == nil
		if a.Input < inputs {
			return a.Input, changes, nil
		}
		at = a.Input - inputs
	}
	return 0, changes, errBroken
}

// merge adds a step for each layer that is merged onto the first. The rootfs
// between two of several layers is nobody's result: it is merged anew.
func (w *walker) merge(e edge, inputs []*pb.MergeInput) (before int64, err error) {
	switch {
	case len(inputs) == 0:
		return 0, errBroken
	case len(w.steps)+len(inputs) > MaxSteps:
		return 0, errTooLong()
	}
	all := w.inputs(e)
	states := make([]llb.State, len(inputs))
	layers := make([]edge, len(inputs))
	for i, in := range inputs {
		if layers[i], err = pick(all, in.Input); err != nil {
			return 0, err
		}
		states[i] = llb.NewState(layers[i].output)
	}
	for i := len(inputs) - 1; i > 0; i-- {
		s := w.describe(layers[i])
		if len(s.Locations) == 0 {
			s = w.describe(e)
		}
		s.State = llb.NewState(e.output)
		if i < len(inputs)-1 {
			s.State = llb.Merge(states[:i+1])
		}
		w.steps = append(w.steps, s)
	}
	return inputs[0].Input, nil
}

// inputs are those of an operation.
func (w *walker) inputs(e edge) []edge {
	inputs := w.ops[e.Digest].Inputs
	out := make([]edge, len(inputs))
	for i, o := range e.output.Vertex(context.Background(), nil).Inputs() {
		out[i] = edge{inputs[i], o}
	}
	return out
}

// pick is the n-th input, if there is one.
func pick(inputs []edge, n int64) (edge, error) {
	if n < 0 || n >= int64(len(inputs)) {
		return edge{}, errBroken
	}
	return inputs[n], nil
}

func (w *walker) add(e edge) {
	s := w.describe(e)
	s.State = llb.NewState(e.output)
	w.steps = append(w.steps, s)
}

// describe is the step of an operation, without its state.
func (w *walker) describe(e edge) Step {
	description := w.metadata[e.Digest].GetDescription()
	s := Step{Name: description[descriptionName], Command: description[descriptionCommand]}
	scheme, ref, _ := strings.Cut(w.ops[e.Digest].GetSource().GetIdentifier(), "://")
	if slices.Contains(imageSchemes(), scheme) {
		s.Image, s.Digest, _ = strings.Cut(ref, "@")
	}
	s.Locations = w.locations(e.Digest)
	return s
}

// locations are the places of an operation, by its digest.
func (w *walker) locations(dgst string) []Location {
	var out []Location
	infos := w.source.GetInfos()
	for _, l := range w.source.GetLocations()[dgst].GetLocations() {
		if i := int(l.GetSourceIndex()); i >= 0 && i < len(infos) && infos[i] != nil {
			out = append(out, Location{infos[i], l.GetRanges()})
		}
	}
	return out
}
