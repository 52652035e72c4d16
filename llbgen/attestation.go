package llbgen

import (
	"strings"
	"time"

	"github.com/distribution/reference"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	srctypes "github.com/moby/buildkit/source/types"
)

// AttestationName is the file name of a predicate in the state that Attestation
// returns. An export to a directory or an archive of files has it too.
const AttestationName = "vulnerabilities.intoto.json"

// Attestation is a directory that holds nothing but a predicate, in
// AttestationName: what BuildKit makes a statement of. The predicate is part of
// the definition, which a message of BuildKit's has to hold.
func Attestation(predicate []byte, name string) llb.State {
	return llb.Scratch().File(
		llb.Mkfile("/"+AttestationName, 0o444, predicate, llb.WithCreatedTime(time.Unix(0, 0))),
		llb.WithCustomName(name),
	)
}

// PinnedImage is the image that a definition begins with, by tag and digest; nil
// if there is none, or more than one, or it is not pinned.
func PinnedImage(def *pb.Definition) reference.Canonical {
	var found reference.Canonical
	for _, dt := range def.Def {
		var op pb.Op
		if err := op.UnmarshalVT(dt); err != nil {
			return nil
		}
		if op.GetSource() == nil {
			continue
		}
		name, ok := strings.CutPrefix(op.GetSource().GetIdentifier(), srctypes.DockerImageScheme+"://")
		if !ok || found != nil {
			return nil
		}
		named, err := reference.ParseNormalizedNamed(name)
		if err != nil {
			return nil
		}
		if found, ok = named.(reference.Canonical); !ok {
			return nil
		}
	}
	return found
}
