# docker buildx bake            build; the gate fails it
# docker buildx bake scan       the findings as a table: exit code 0, 4 or 1
# docker buildx bake report     the reports in scan/, instead of an image
# docker buildx bake --push     build and push what passes
#
# "scan" stands in .dockerignore, so that the reports are not part of the image.

variable "FRONTEND" {
  default = "registry.example.com/security/frontend:1"
}

variable "IMAGE" {
  default = "registry.example.com/shop/web:latest"
}

# A token service; empty for the database in the frontend's image.
variable "SERVER" {
  default = ""
}

target "_scanned" {
  args = {
    BUILDKIT_SYNTAX      = FRONTEND
    MICROSCANNER_FAIL_ON = "high"
    MICROSCANNER_SERVER  = SERVER != "" ? SERVER : null
  }
  # The token is read from the variable SCAN_TOKEN.
  secret = SERVER != "" ? ["type=env,id=token,env=SCAN_TOKEN"] : []
}

target "default" {
  inherits  = ["_scanned"]
  context   = "."
  platforms = ["linux/amd64", "linux/arm64"]
  tags      = [IMAGE]
}

target "scan" {
  inherits = ["default"]
  call     = "scan"
}

target "report" {
  inherits = ["default"]
  args     = { MICROSCANNER_RESULT = "report" }
  tags     = []
  output   = ["type=local,dest=scan"]
}
