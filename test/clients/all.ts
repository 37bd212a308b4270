import { buildah } from './buildah.ts'
import { containerd } from './containerd.ts'
import { cosign } from './cosign.ts'
import { crane } from './crane.ts'
import { docker } from './docker.ts'
import { helm } from './helm.ts'
import { oras } from './oras.ts'
import { podman } from './podman.ts'
import { regctl } from './regctl.ts'
import { skopeo } from './skopeo.ts'
import type { Client } from './client.ts'

/** Every client of the matrix, in the order of its columns. */
export const CLIENTS: readonly Client[] = [
  docker,
  containerd,
  podman,
  buildah,
  skopeo,
  crane,
  oras,
  regctl,
  helm,
  cosign,
]
