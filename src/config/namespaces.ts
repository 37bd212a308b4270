import { tryParseName } from '../oci/name.ts'
import { isHostName } from './address.ts'
import { InvalidValue, quote } from './value.ts'

/**
 * Reads a namespace as clients send it: the host of an image's name, with its port when it has one.
 *
 * @throws InvalidValue
 */
export function parseNamespace(text: string): string {
  const [, host = '', port] = /^(.*?)(?::(\d{1,5}))?$/.exec(text.toLowerCase()) ?? []
  const isAddress = /^(\d{1,3}(\.\d{1,3}){3}|\[[0-9a-f:.]{2,45}\])$/.test(host)
  if ((isHostName(host) || isAddress) && Number(port ?? 0) <= 65535) return text.toLowerCase()
  throw new InvalidValue(
    `is not a host like docker.io or registry.example:5000, which is what clients send`,
  )
}

/**
 * Reads what stands before the names of a namespace's repositories; nothing keeps them at the top.
 *
 * @throws InvalidValue
 */
export function parsePrefix(text: string): string {
  if (text === '' || tryParseName(text) !== undefined) return text
  throw new InvalidValue(
    `is ${quote(text)}, not the beginning of a repository's name: write it like docker.io or mirror/docker`,
  )
}
