import type { Page } from 'playwright-core'

/** A page as somebody uses it who has a keyboard and no mouse. Each step of Tab must be seen: focus is outlined. */
export interface Keyboard {
  press(key: string): Promise<void>
  /** Moves focus by Tab until it is on what is named so. @throws when a whole round did not find it, or hid focus */
  tabTo(name: string | RegExp): Promise<void>
  /** To a link or button, and into it. */
  follow(name: string | RegExp): Promise<void>
  /** To a field by its label, and writes in place of what it holds. */
  fill(label: string, text: string): Promise<void>
  focusedName(): Promise<string>
  /** While a dialog is open, focus is on something in it, or on the browser's own controls. */
  isWithinDialogOrBrowser(): Promise<boolean>
}

/** Longer than any page's round. */
const MAX_STEPS = 150

export function keyboardOf(page: Page): Keyboard {
  async function tabTo(name: string | RegExp): Promise<void> {
    const passed: string[] = []
    for (let step = 0; step < MAX_STEPS; step++) {
      const { name: focused, isSeen } = await describeFocus(page)
      if (focused !== '' && matches(focused, name)) return
      if (focused !== '' && !isSeen) throw new Error(`focus cannot be seen on “${focused}” of ${page.url()}`)
      passed.push(focused)
      await page.keyboard.press('Tab')
    }
    throw new Error(
      `“${String(name)}” cannot be reached by Tab on ${page.url()}: ${passed.slice(0, 40).join(' | ')}`
    )
  }
  return {
    press: (key) => page.keyboard.press(key),
    tabTo,
    async follow(name) {
      await tabTo(name)
      await page.keyboard.press('Enter')
      await page.waitForLoadState('networkidle')
    },
    async fill(label, text) {
      await tabTo(label)
      await page.keyboard.press('Control+A')
      await page.keyboard.type(text)
    },
    focusedName: async () => (await describeFocus(page)).name,
    isWithinDialogOrBrowser: () =>
      page.evaluate(() => {
        const focused = document.activeElement
        return focused === null || focused === document.body || focused.closest('dialog') !== null
      })
  }
}

function matches(focused: string, name: string | RegExp): boolean {
  return typeof name === 'string' ? focused === name : name.test(focused)
}

/** What has focus, by the name that it has for people; and whether they see that it has. */
function describeFocus(page: Page): Promise<{ name: string; isSeen: boolean }> {
  return page.evaluate(() => {
    const focused = document.activeElement
    // What only scripts and links can focus is where a round begins, not a stop of it.
    if (!(focused instanceof HTMLElement) || focused === document.body || focused.tabIndex < 0) {
      return { name: '', isSeen: true }
    }
    const labels = 'labels' in focused ? [...((focused as HTMLInputElement).labels ?? [])] : []
    const clone = (label: Element) => {
      const copy = label.cloneNode(true) as Element
      for (const hidden of copy.querySelectorAll('[aria-hidden=true], select, input')) hidden.remove()
      return (copy.textContent ?? '').trim()
    }
    const named = focused.getAttribute('aria-label') ?? labels.map(clone).join(' ')
    const { outlineStyle, outlineWidth } = getComputedStyle(focused)
    const { width, height } = focused.getBoundingClientRect()
    return {
      name: named !== '' ? named : (focused.textContent ?? '').trim(),
      isSeen: outlineStyle !== 'none' && outlineWidth !== '0px' && width > 0 && height > 0
    }
  })
}
