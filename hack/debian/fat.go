package debian

// fatPackages lists what, with all that it needs, makes 522 packages: the
// libraries and compilers that the buildpack-deps images have, four languages,
// and what people add to look around in an image.
func fatPackages() []string {
	return []string{
		"autoconf", "automake", "bzip2", "ca-certificates", "curl", "default-libmysqlclient-dev", "dpkg-dev",
		"file", "g++", "gcc", "git", "gnupg", "imagemagick", "libbz2-dev", "libc6-dev", "libcurl4-openssl-dev",
		"libdb-dev", "libevent-dev", "libffi-dev", "libgdbm-dev", "libglib2.0-dev", "libgmp-dev", "libjpeg-dev",
		"libkrb5-dev", "liblzma-dev", "libmagickcore-dev", "libmagickwand-dev", "libmaxminddb-dev",
		"libncurses-dev", "libpng-dev", "libpq-dev", "libreadline-dev", "libsqlite3-dev", "libssl-dev",
		"libtool", "libwebp-dev", "libxml2-dev", "libxslt1-dev", "libyaml-dev", "make", "mercurial", "netbase",
		"openssh-client", "patch", "procps", "sq", "subversion", "unzip", "wget", "xz-utils", "zlib1g-dev",

		"default-jre-headless", "nodejs", "php-cli", "python3-dev", "python3-pip", "python3-venv", "ruby-dev",

		"cmake", "gdb", "less", "nginx-full", "openssh-server", "postgresql-client", "redis-tools", "strace", "vim",
	}
}
