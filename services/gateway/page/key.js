// The API key: kept for this tab alone, asked for when the server wants one.

const NAME = "retoucher.key";
let asking = null;

export const storedKey = () => sessionStorage.getItem(NAME);
export const forgetKey = () => sessionStorage.removeItem(NAME);

/**
 * Asks for a key in the page's dialog. Several requests that are refused at once share one question.
 * @param {boolean} refused a key was sent and not taken.
 * @returns {Promise<boolean>} whether there is a key to try now.
 */
export function askForKey(refused) {
  asking ??= ask(refused).finally(() => { asking = null; });
  return asking;
}

function ask(refused) {
  const dialog = document.getElementById("key-dialog");
  const input = dialog.querySelector("input");
  const error = dialog.querySelector(".error");
  error.hidden = !refused;
  input.setAttribute("aria-invalid", String(refused));
  input.value = "";
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      const key = input.value.trim();
      input.value = "";
      const given = dialog.returnValue === "use" && key !== "";
      if (given) sessionStorage.setItem(NAME, key);
      document.dispatchEvent(new CustomEvent("keychange"));
      resolve(given);
    }, { once: true });
  });
}
