// Search from the disk: a browser starts no worker from a file, so the script of the worker runs in a hidden frame.
// zensical names a script of another host for this; its configuration names this one in place of that.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(address) {
      super();
      this.waiting = [];
      this.frame = document.createElement("iframe");
      this.frame.hidden = true;
      const script = String(new URL(address, document.baseURI)).replaceAll("&", "&amp;").replaceAll('"', "&quot;");
      this.frame.srcdoc =
        "<script>self.postMessage = message => parent.postMessage(message, '*')</script>" +
        `<script src="${script}"></script>`;
      this.frame.onload = () => {
        const waiting = this.waiting;
        this.waiting = null;
        for (const message of waiting) this.postMessage(message);
      };
      this.answered = (event) => {
        if (event.source !== this.frame.contentWindow) return;
        const copy = new MessageEvent("message", { data: event.data });
        this.dispatchEvent(copy);
        this.onmessage?.(copy);
      };
      addEventListener("message", this.answered);
      document.body.append(this.frame);
    }

    postMessage(message) {
      // Until the script is there, nobody in the frame listens.
      if (this.waiting) this.waiting.push(message);
      // The function of this window: that of the frame answers.
      else window.postMessage.call(this.frame.contentWindow, message, "*");
    }

    terminate() {
      removeEventListener("message", this.answered);
      this.frame.remove();
    }
  };
}
