package llbgen

import (
	"fmt"
	"maps"
	"slices"

	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
)

// Parts takes the rootfs of each part of a build out of the definition of its
// result: of each stage of a Dockerfile, say. partOf tells which part a location
// is in; a negative number is none. Equal operations of several parts are one
// operation, which is in all of them.
//
// The operations are those of the definition, byte for byte, so that what the
// build has done for its result is not done again. A part that the result does
// not need is not found. An error means that the definition is broken.
func Parts(def *pb.Definition, partOf func(Location) int) (map[int]*pb.Definition, error) {
	w, err := newWalker(def)
	if err != nil {
		return nil, err
	}
	// An operation comes after its inputs. So the last one of a part needs all
	// others of it: it is the part's end.
	ends := map[int]string{}
	for _, dt := range def.GetDef() {
		dgst := digest.FromBytes(dt).String()
		for _, l := range w.locations(dgst) {
			if part := partOf(l); part >= 0 {
				ends[part] = dgst
			}
		}
	}
	out := make(map[int]*pb.Definition, len(ends))
	for part, dgst := range ends {
		if out[part], err = w.until(def, dgst); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// until is the definition of the rootfs that an operation gives.
func (w *walker) until(def *pb.Definition, end string) (*pb.Definition, error) {
	needed := map[string]bool{}
	for todo := []string{end}; len(todo) > 0; {
		dgst := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if needed[dgst] {
			continue
		}
		needed[dgst] = true
		for _, in := range w.ops[dgst].Inputs {
			todo = append(todo, in.Digest)
		}
	}
	out := &pb.Definition{Metadata: map[string]*pb.OpMetadata{}}
	for _, dt := range def.Def {
		if dgst := digest.FromBytes(dt).String(); needed[dgst] {
			out.Def = append(out.Def, dt)
			out.Metadata[dgst] = w.metadata[dgst]
		}
	}
	last, err := (&pb.Op{Inputs: []*pb.Input{{Digest: end, Index: rootfsOutput(w.ops[end])}}}).MarshalVT()
	if err != nil {
		return nil, fmt.Errorf("write the end of a part: %w", err)
	}
	out.Def = append(out.Def, last)
	out.Metadata[digest.FromBytes(last).String()] = w.metadata[w.last]
	if w.source != nil {
		locations := maps.Clone(w.source.Locations)
		maps.DeleteFunc(locations, func(dgst string, _ *pb.Locations) bool { return !needed[dgst] })
		out.Source = &pb.Source{Infos: w.source.Infos, Locations: locations}
	}
	return out, nil
}

// rootfsOutput is the number of that output of an operation which is the rootfs
// after it.
func rootfsOutput(op *pb.Op) int64 {
	for _, m := range op.GetExec().GetMounts() {
		if m.Dest == pb.RootMount && m.Output >= 0 {
			return m.Output
		}
	}
	for _, a := range slices.Backward(op.GetFile().GetActions()) {
		if a.Output >= 0 {
			return a.Output
		}
	}
	return 0
}
