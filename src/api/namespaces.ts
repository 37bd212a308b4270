import { RegistryError } from '../oci/errors.ts'
import { parseName, tryParseName } from '../oci/name.ts'
import { shown } from '../oci/shown.ts'
import { snapshotNameOf } from '../oci/snapshot-name.ts'
import { queryOf } from './params.ts'
import type { RepositoryName } from '../oci/name.ts'
import type { ApiContext, Repository } from './context.ts'

/** `http.namespaces`: a value of `ns`, in lower case, to what stands before the names of its repositories here. */
export type Namespaces = Readonly<Record<string, string>>

/** A host with or without a port, or an IPv6 address in brackets. It is only ever compared, never looked up. */
const HOST = /^(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?$/

/**
 * The repository a request is about: the name in its path, read once, in the namespace of its `ns` parameter.
 *
 * containerd sends to a mirror the host that an image's name begins with (distribution-spec, "Registry Proxying"). Where
 * namespaces are declared it is a key in that closed list and nothing else: what is not in it is not here, so that an
 * image is never taken for another one of the same name. Where none are, it is ignored.
 *
 * Nothing is said yet of what is wrong with it ({@link Repository.wrong}): that would tell everybody what the list holds.
 * It is NAME_INVALID when `ns` is no host, comes twice, or makes the name too long; NAME_UNKNOWN when it is not in the
 * list; UNSUPPORTED when something is to be changed in a namespace, which the spec has no words for, or in the past.
 *
 * @throws RegistryError NAME_INVALID when the name is none
 */
export function requestedRepository(
  ctx: ApiContext,
  name: string,
  namespaces: Namespaces,
): Repository {
  const asked = parseName(name)
  const unqualified = { name: asked, asked, namespace: undefined }
  if (isChange(ctx) && snapshotNameOf(asked) !== undefined)
    return { ...unqualified, wrong: past(asked) }
  const given = Object.keys(namespaces).length === 0 ? [] : queryOf(ctx).getAll('ns')
  const [namespace] = given
  if (namespace === undefined) return unqualified
  if (given.length > 1 || !HOST.test(namespace.toLowerCase()))
    return { ...unqualified, wrong: noHost(namespace) }
  const prefix = prefixOf(namespace, namespaces)
  const found = prefix === undefined ? undefined : within(prefix, asked)
  if (prefix === undefined || found === undefined) {
    const wrong = prefix === undefined ? unknown(namespace) : tooLong(asked)
    return { ...unqualified, name: elsewhere(namespace, asked), wrong }
  }
  if (isChange(ctx)) return { ...unqualified, name: found, wrong: onlyForPulls(found) }
  return { name: found, asked, namespace }
}

/**
 * Lets somebody into the repository he asks for, whom the guard let through.
 *
 * @throws RegistryError for what is wrong with it ({@link Repository.wrong})
 */
export function enterRepository(ctx: ApiContext): void {
  const { repository } = ctx.state
  if (repository?.wrong !== undefined) throw repository.wrong
  if (repository?.namespace === undefined) return
  ctx.state.namespace = repository.namespace
  ctx.set('OCI-Namespace', repository.namespace)
}

function isChange({ method }: ApiContext): boolean {
  return method !== 'GET' && method !== 'HEAD'
}

function past(name: RepositoryName): RegistryError {
  return new RegistryError('UNSUPPORTED', {
    message: 'a repository as it was under an old root (at/<root>/…) cannot be changed',
    detail: { name },
  })
}

function noHost(namespace: string): RegistryError {
  return new RegistryError('NAME_INVALID', {
    message: 'ns is one host name, with a port or without: docker.io, registry.example:5000',
    detail: { ns: shown(namespace, 300) },
  })
}

function prefixOf(namespace: string, namespaces: Namespaces): string | undefined {
  const key = namespace.toLowerCase()
  return Object.hasOwn(namespaces, key) ? namespaces[key] : undefined
}

function unknown(namespace: string): RegistryError {
  return new RegistryError('NAME_UNKNOWN', {
    message: 'this registry keeps nothing of that namespace (http.namespaces)',
    detail: { ns: namespace },
  })
}

/** `undefined`: that is too long for a name. */
function within(prefix: string, name: RepositoryName): RepositoryName | undefined {
  return prefix === '' ? name : tryParseName(`${prefix}/${name}`)
}

/**
 * What is decided on where there is no such repository: the name it would have under its own host, which is how most are
 * kept. With the name as it was asked for, whoever may read that one would learn what is in the list.
 */
function elsewhere(namespace: string, name: RepositoryName): RepositoryName {
  const words = namespace.toLowerCase().match(/[a-z0-9]+/g) ?? ['none']
  const host = words.join('.').slice(0, 200).replace(/\.$/, '')
  return tryParseName(`${host}/${name}`) ?? parseName(host)
}

function tooLong(name: RepositoryName): RegistryError {
  return new RegistryError('NAME_INVALID', {
    message: 'with what stands before the names of its namespace here, the name is too long',
    detail: { name },
  })
}

function onlyForPulls(name: RepositoryName): RegistryError {
  return new RegistryError('UNSUPPORTED', {
    status: 400,
    message: `ns is for pulls; what is kept under it is changed by its whole name, ${name}`,
  })
}
