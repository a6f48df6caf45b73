/*{
  "DESCRIPTION": "Stands on each picture until the next is there. Hard, and sometimes right: a choice, never a failure.",
  "EXAMPLE": "dreamed.hold()",
  "CREDIT": "hypermnesia",
  "ISFVSN": "2",
  "CATEGORIES": ["Transition"],
  "INPUTS": [
    {"NAME": "startImage", "TYPE": "image"},
    {"NAME": "endImage", "TYPE": "image"},
    {"NAME": "progress", "TYPE": "float", "MIN": 0.0, "MAX": 1.0, "DEFAULT": 0.0, "LABEL": "0 the last picture .. 1 the next"}
  ]
}*/

void main() {
    gl_FragColor = progress < 0.5 ? IMG_THIS_PIXEL(startImage) : IMG_THIS_PIXEL(endImage);
}
