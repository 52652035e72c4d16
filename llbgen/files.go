package llbgen

import (
	"time"

	"github.com/moby/buildkit/client/llb"
)

// archiveName is the file name of the archive that Unpack unpacks.
const archiveName = "/files.tar.gz"

// Unpack is a directory with the files of an archive in the form tar.gz. The
// archive is part of the definition, which a message of BuildKit's has to hold.
func Unpack(archive []byte, name string) llb.State {
	packed := llb.Scratch().File(
		llb.Mkfile(archiveName, 0o444, archive, llb.WithCreatedTime(time.Unix(0, 0))),
		llb.WithCustomName(name+" (archive)"),
	)
	return llb.Scratch().File(
		llb.Copy(packed, archiveName, "/", &llb.CopyInfo{AttemptUnpack: true, CreateDestPath: true}, llb.WithCreatedTime(time.Unix(0, 0))),
		llb.WithCustomName(name),
	)
}
