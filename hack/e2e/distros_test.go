package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/hack/harness"
)

// rocky makes the part of a Rocky Linux 9 rootfs that a scanner reads, below
// rootfs: the real rpm writes its database, with the package openssl-libs of
// that release, "3.0.7-24.el9".
func rocky(t *testing.T, env *harness.Env, release string) map[string]string {
	t.Helper()
	if _, err := exec.LookPath("rpmbuild"); err != nil {
		t.Fatal("rpmbuild is missing; hack/deps installs it")
	}
	dir := files(t, map[string]string{"openssl.spec": "Name: openssl\nEpoch: 1\nVersion: 3.0.7\nRelease: " + release +
		"\nSummary: s\nLicense: Apache-2.0\nVendor: Rocky Enterprise Software Foundation\n" +
		"%description\n%package libs\nSummary: s\n%description libs\n%files libs\n"})
	database := filepath.Join(dir, "rpm")
	for _, argv := range [][]string{
		{"rpmbuild", "-bb", "--quiet", "--define", "_topdir " + dir, "openssl.spec"},
		{"sh", "-c", "rpm --dbpath " + database + " --justdb --nodeps --ignorearch -i RPMS/*/*.rpm"},
	} {
		r := env.Run(t.Context(), dir, nil, argv...)
		require.Zero(t, r.ExitCode, r.Combined)
	}
	text, err := os.ReadFile(filepath.Join(database, "rpmdb.sqlite"))
	require.NoError(t, err)
	return map[string]string{
		"etc/os-release":           "NAME=\"Rocky Linux\"\nVERSION=\"9.3 (Blue Onyx)\"\nID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\nVERSION_ID=\"9.3\"\nPRETTY_NAME=\"Rocky Linux 9.3 (Blue Onyx)\"\n",
		"var/lib/rpm/rpmdb.sqlite": string(text),
	}
}

func TestRPM(t *testing.T) {
	env := start(t)
	records := files(t, map[string]string{"advisories.jsonl": `{"id":"CVE-2023-5678","distro":"rocky","release":"9","package":"openssl-libs","kind":"binary","status":"fixed","fixed":"1:3.0.7-25.el9_3","severity":"high","aliases":["RLSA-2024:0310"]}` + "\n"})
	database := buildDatabase(t, env, filepath.Join(records, "advisories.jsonl"))
	args := []string{"--build-context", "advisories=" + database, "--build-arg", "MICROSCANNER_DB=advisories"}
	dockerfile := map[string]string{"Dockerfile": copyRootfs}

	ref := imageName(t, env, "refused")
	r := push(t, env, files(t, merge(dockerfile, in("rootfs", rocky(t, env, "24.el9")))), env.FrontendRef(), ref, args...)
	require.Equal(t, 1, r.ExitCode, r.Combined)
	require.Regexp(t, `CVE-2023-5678 +high +openssl +3\.0\.7-24\.el9 +1:3\.0\.7-25\.el9_3`, r.Combined)
	require.Contains(t, r.Combined, "exit code: 4")
	requireNotPushed(t, ref)

	r = push(t, env, files(t, merge(dockerfile, in("rootfs", rocky(t, env, "25.el9_3")))), env.FrontendRef(), imageName(t, env, "ships"), args...)
	requireShipped(t, r)
}

func TestEndOfLife(t *testing.T) {
	env := start(t)
	records := files(t, map[string]string{"advisories.jsonl": `{"id":"CVE-2022-0778","distro":"alpine","release":"3.12","package":"openssl","kind":"source","status":"fixed","fixed":"1.1.1n-r0","severity":"high"}` + "\n"})
	database := buildDatabase(t, env, filepath.Join(records, "advisories.jsonl"))
	old := alpine("1.1.1n-r0")
	old["etc/os-release"] = "NAME=\"Alpine Linux\"\nID=alpine\nVERSION_ID=3.12.12\nPRETTY_NAME=\"Alpine Linux v3.12\"\n"
	old["etc/alpine-release"] = "3.12.12\n"
	dir := files(t, merge(map[string]string{"Dockerfile": copyRootfs}, in("rootfs", old)))
	args := []string{"--build-context", "advisories=" + database, "--build-arg", "MICROSCANNER_DB=advisories"}

	ref := imageName(t, env, "refused")
	r := push(t, env, dir, env.FrontendRef(), ref, args...)
	require.Equal(t, 1, r.ExitCode, r.Combined)
	require.Contains(t, r.Combined, "Alpine 3.12 reached its end of life on 2022-05-01")
	require.NotContains(t, r.Combined, "could not be scanned", "it was scanned")
	requireNotPushed(t, ref)

	r = push(t, env, dir, env.FrontendRef(), imageName(t, env, "ships"), append(args, "--build-arg", "MICROSCANNER_ON_UNSUPPORTED=warn")...)
	requireShipped(t, r)
	require.Contains(t, r.Combined, "Alpine 3.12 reached its end of life on 2022-05-01")
}
