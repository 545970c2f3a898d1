import { setLanguage, t, useLocale, type Language } from './language'

/** LanguageSwitch chooses the language of all pages in this browser. */
export function LanguageSwitch() {
  const { language } = useLocale()
  return (
    <select aria-label={t('language')} value={language} onChange={(event) => setLanguage(event.target.value as Language)}>
      <option value="en">English</option>
      <option value="zh-CN">中文</option>
    </select>
  )
}
