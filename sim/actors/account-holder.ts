import type { HttpClient, HttpResponse } from '../../node/runtime/index.ts'

/** Who owns an account and is asked for consent, with the browser that the third party sends to the consent page. */
export interface AccountHolder {
  /** Where the authorization server sends the browser in the end: a page of the third party (RFC 9635, 2.5.2). */
  readonly finishUri: string
  /** Takes the browser from `startUrl` through the interaction; resolves to the address at which it arrives. */
  decide(startUrl: string): Promise<string>
}

/** The browser was not led through the interaction: a page did not answer as it should. */
export class InteractionError extends Error {
  override name = 'InteractionError'
}

/**
 * An account holder who agrees to everything. Does what a browser does, without one: follows the redirect to the
 * consent page, presses its accept button, and follows back.
 */
export function createAgreeingAccountHolder(http: HttpClient): AccountHolder {
  return {
    finishUri: 'https://payer.example/finish',
    async decide(startUrl) {
      const start = await http.request({ method: 'GET', url: startUrl })
      const session = cookiesOf(start)
      const consentUrl = locationOf(start, startUrl)
      const page = await http.request({ method: 'GET', url: consentUrl })
      if (page.status !== 200)
        throw new InteractionError(`the consent page answered ${page.status}: ${consentUrl}`)
      const form = new URLSearchParams({ choice: 'accept' })
      for (const field of page.body
        .toString('utf8')
        .matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)">/g)) {
        form.set(field[1]!, field[2]!)
      }
      const action = new URL('/consent', consentUrl).href
      const decided = await http.request({
        method: 'POST',
        url: action,
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: form.toString()
      })
      const finishUrl = locationOf(decided, action)
      const finished = await http.request({ method: 'GET', url: finishUrl, headers: { cookie: session } })
      return locationOf(finished, finishUrl)
    }
  }
}

function locationOf(response: HttpResponse, url: string): string {
  const location = response.headers.location
  if (response.status < 300 || response.status > 399 || typeof location !== 'string') {
    throw new InteractionError(
      `a redirect was expected of ${url}, it answered ${response.status}: ${response.body.toString('utf8').slice(0, 300)}`
    )
  }
  return new URL(location, url).href
}

/** The cookies that an answer sets, as the next request's header. */
function cookiesOf(response: HttpResponse): string {
  const set = response.headers['set-cookie']
  const list = set === undefined ? [] : Array.isArray(set) ? set : [set]
  return list.map((cookie) => cookie.split(';')[0]).join('; ')
}
