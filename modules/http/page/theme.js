// Dark or light: as the system has it, or as a person has chosen.

const themes = ["auto", "dark", "light"];
const key = "weir-theme";

function stored() {
  try {
    const theme = localStorage.getItem(key);
    return themes.includes(theme) ? theme : "auto";
  } catch {
    return "auto"; // the browser keeps nothing
  }
}

export function beginTheme(button) {
  let theme = stored();
  const use = () => {
    document.documentElement.dataset.theme = theme;
    button.textContent = `Theme: ${theme}`;
  };
  button.addEventListener("click", () => {
    theme = themes[(themes.indexOf(theme) + 1) % themes.length];
    try {
      localStorage.setItem(key, theme);
    } catch {
      // It holds until the page is closed.
    }
    use();
  });
  use();
}
